//! People who chose a language beforehand: the call begins in it.

use crate::harness::*;
use crate::journals::journal_of;
use samvad_actors::dialogue::journal::replay;
use samvad_actors::dialogue::{Input, LanguagePack, Output, Script};
use samvad_actors::domain::{AnswerValue, Campaign, EndReason, Language, MachineVerdict};
use std::sync::Arc;

const WHO: &str = "यह कॉल रिवरसाइड हेल्थ की ओर से है।";
const CONSENT: &str = "क्या आपसे अभी तीन छोटे सवाल पूछे जा सकते हैं?";
const MESSAGE: &str = "This is Riverside Health. We will call again.";
const MESSAGE_IN_HINDI: &str = "यह रिवरसाइड हेल्थ है। हम फिर कॉल करेंगे।";

fn chosen(tag: &str) -> Input {
    let language = Language(tag.to_owned());
    Input::ChosenLanguage { language }
}

/// A call on which the stream begins after this.
fn begun(script: &Arc<Script>, tag: &str) -> Call {
    let mut call = Call::new(script);
    call.input(chosen(tag));
    call.input(Input::Started);
    call
}

fn switches(call: &Call) -> usize {
    let is_switch = |output: &&_| matches!(output, (_, Output::SwitchLanguage { .. }));
    call.outputs.iter().filter(is_switch).count()
}

fn leaving_messages() -> Arc<Script> {
    let text = BILINGUAL
        .replace(
            "voicemail: hang_up",
            &format!("voicemail: {{leave_message: {MESSAGE}}}"),
        )
        .replace("# leave_message:", "leave_message:");
    let campaign = Campaign::from_yaml(&text).expect("without fault");
    Arc::new(Script::build_with(&campaign, &pack(), LanguagePack::embedded).expect("without fault"))
}

#[test]
fn a_call_begins_in_the_language_that_was_chosen_and_its_consent_is_of_that_language() {
    for tag in ["hi", "hi-IN"] {
        let mut call = begun(&BILINGUAL_SCRIPT, tag);
        call.listen();
        assert_eq!(switches(&call), 1);
        let said = call.last_said();
        assert!(said.contains(WHO) && said.contains(CONSENT), "{said}");
        for answer in ["हाँ जी", "चार", "जी नहीं", "शाम को"] {
            call.speak(answer, 0.95, 1_000);
            call.listen();
        }
        let consent = call.consent().expect("consent");
        assert_eq!((consent.language.as_str(), consent.wording.as_str()), ("hi", CONSENT));
        let answers = [
            AnswerValue::Scale(4),
            AnswerValue::YesNo(false),
            AnswerValue::Choice("evening".to_owned()),
        ];
        assert_eq!(call.values(), answers);
        assert!(
            call.spoken().iter().all(|sentence| !sentence.is_ascii()),
            "{:?}",
            call.spoken()
        );
        assert_eq!(call.finish().0, EndReason::SurveyDone);
    }
}

#[test]
fn the_campaigns_own_language_and_one_that_it_has_not_change_nothing() {
    for tag in ["en", "en-IN", "ta", ""] {
        let mut call = begun(&BILINGUAL_SCRIPT, tag);
        call.listen();
        assert_eq!(switches(&call), 0, "{tag}");
        assert!(call.last_said().starts_with("Hello."), "{tag}");
    }
}

#[test]
fn a_choice_that_comes_when_the_call_has_begun_changes_nothing() {
    let mut call = Call::begin(&BILINGUAL_SCRIPT);
    call.input(chosen("hi"));
    call.listen();
    assert_eq!(switches(&call), 0);
}

#[test]
fn who_chose_a_language_may_ask_for_the_campaigns_own() {
    let mut call = begun(&BILINGUAL_SCRIPT, "hi");
    call.listen();
    call.speak("अंग्रेज़ी में बोलिए", 0.95, 1_000);
    call.listen();
    assert!(call.last_said().contains("May I ask you three short questions now?"));
    call.say("yes");
    assert_eq!(call.consent().expect("consent").language, "en");
}

#[test]
fn l17_the_message_on_a_machine_is_in_the_language_that_its_owner_chose() {
    let script = leaving_messages();
    for (tag, message) in [("hi", MESSAGE_IN_HINDI), ("en", MESSAGE)] {
        let mut call = begun(&script, tag);
        call.input(Input::Machine {
            verdict: MachineVerdict::MachineEnd,
        });
        assert_eq!(call.finish().0, EndReason::Machine);
        assert_eq!(call.spoken().join(" "), message);
    }
}

#[test]
fn a_call_that_began_in_a_chosen_language_replays() {
    let mut call = begun(&BILINGUAL_SCRIPT, "hi");
    call.listen();
    call.speak("हाँ जी", 0.95, 1_000);
    call.finish();
    let report = replay(
        &journal_of(&BILINGUAL_SCRIPT, &call.inputs, true),
        LanguagePack::embedded,
    )
    .expect("a journal");
    assert!(report.is_same(), "{:?}", report.differences);
}

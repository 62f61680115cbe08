use super::*;
use crate::domain::QuestionKind;
use crate::evaluation::testing::{intent, said};
use crate::evaluation::{Tier, evaluate};

/// Gives prepared readings, one after the other.
struct Prepared(Vec<Option<Interpretation>>);

impl Tier for Prepared {
    fn name(&self) -> &str {
        "prepared"
    }

    fn understand(&mut self, _: &Utterance) -> Option<Interpretation> {
        if self.0.is_empty() { None } else { self.0.remove(0) }
    }
}

fn read(intent: Intent, certain: bool) -> Interpretation {
    Interpretation {
        intent,
        value: None,
        out_of_range: false,
        when: None,
        languages: Default::default(),
        certain,
        acknowledgement: false,
        resume: false,
        bystander: false,
    }
}

fn utterance(expected: Expected) -> Utterance {
    said("said", None, expected)
}

fn scored(rows: Vec<(Expected, Option<Interpretation>)>) -> Report {
    let (labels, readings): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let utterances: Vec<_> = labels.into_iter().map(utterance).collect();
    evaluate(&utterances, &mut [Box::new(Prepared(readings))])
}

#[test]
fn certain_uncertain_and_unclear_readings_are_told_apart() {
    let report = scored(vec![
        (intent(Intent::Yes), Some(read(Intent::Yes, true))),
        (intent(Intent::Interested), Some(read(Intent::Yes, true))),
        (intent(Intent::Yes), Some(read(Intent::Yes, false))),
        (intent(Intent::Yes), Some(read(Intent::No, false))),
        (intent(Intent::Yes), Some(read(Intent::No, true))),
        (intent(Intent::Yes), None),
        (intent(Intent::Unclear), Some(read(Intent::Unclear, false))),
    ]);
    let counts = report.together.total();
    assert_eq!(report.tiers[0].total(), counts);
    let found = (
        counts.certain_right,
        counts.certain_wrong,
        counts.uncertain_right,
        counts.uncertain_wrong,
    );
    assert_eq!(found, (2, 1, 1, 1));
    assert_eq!((counts.not_understood, counts.unclear_right), (1, 1));
    assert_eq!((counts.utterances, counts.right()), (7, 4));
    assert_eq!(report.together.wrong.len(), 3);
}

#[test]
fn consent_and_opt_outs_wrongly_taken_or_missed_fail_whatever_the_accuracy() {
    let fine = scored(vec![(intent(Intent::RemoveMe), Some(read(Intent::RemoveMe, true)))]);
    assert!(fine.together.reaches(100.0));
    for (label, reading) in [
        (Intent::Unclear, read(Intent::Yes, true)),
        (Intent::No, read(Intent::RemoveMe, true)),
        (Intent::RemoveMe, read(Intent::No, true)),
        (Intent::RemoveMe, read(Intent::RemoveMe, false)),
    ] {
        let report = scored(vec![(intent(label), Some(reading))]);
        assert_eq!(report.together.total().harmful(), 1, "{label:?}");
        assert!(!report.together.reaches(0.0), "{label:?}");
    }
}

#[test]
fn a_later_tier_is_asked_only_where_no_earlier_one_was_certain() {
    let utterances = [utterance(intent(Intent::Yes)), utterance(intent(Intent::Yes))];
    let first = Prepared(vec![Some(read(Intent::No, true)), Some(read(Intent::No, false))]);
    let second = Prepared(vec![Some(read(Intent::Yes, true)), Some(read(Intent::Yes, true))]);
    let report = evaluate(&utterances, &mut [Box::new(first), Box::new(second)]);
    let right = |score: &Score| score.total().right();
    assert_eq!(
        (
            right(&report.tiers[0]),
            right(&report.tiers[1]),
            right(&report.together)
        ),
        (0, 1, 1)
    );
}

#[test]
fn values_and_acknowledgements_are_compared() {
    let mut four = read(Intent::Unclear, true);
    four.value = Some(AnswerValue::Scale(4));
    let question = QuestionKind::Scale { min: 1, max: 5 };
    let four_said = said("four", Some(question), Expected::Answer(AnswerValue::Scale(4)));
    let mut hmm = read(Intent::Unclear, false);
    hmm.acknowledgement = true;
    let utterances = [four_said.clone(), utterance(Expected::Acknowledgement), four_said];
    let tier = Prepared(vec![Some(four), Some(hmm), Some(read(Intent::Unclear, false))]);
    let report = evaluate(&utterances, &mut [Box::new(tier)]);
    assert_eq!(report.together.total().right(), 2);
    let wrong = &report.together.wrong[0].labels;
    assert_eq!((wrong.expected.as_str(), wrong.got.as_str()), ("answer 4", "unclear"));
}

#[test]
fn a_report_can_be_written_as_json() {
    let report = scored(vec![(intent(Intent::Yes), Some(read(Intent::No, true)))]);
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["together"]["wrong"][0]["verdict"], "certain_wrong");
    assert_eq!(json["together"]["confusion"][0]["count"], 1);
}

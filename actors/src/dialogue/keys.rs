//! Keys answer wherever speech does, and are always certain.

use super::asking::Why;
use super::machine::Dialogue;
use super::prompt::range_of;
use super::state::{Ask, Doubt, MachineStage, Pending, Phase, Step, Utterance};
use super::timers::Timer;
use crate::domain::{AnswerValue, AnswerVia, AnsweredBy, Intent, QuestionKind};
use crate::ports::TranscriptSpeaker;

/// Longer numbers are not asked for.
const MOST_DIGITS: usize = 6;

impl Dialogue {
    pub(super) fn key(&mut self, key: char) {
        if !matches!(key, '0'..='9' | '*' | '#') {
            return;
        }
        self.note(TranscriptSpeaker::Caller, format!("key {key}"), None);
        let waiting_for_machine = self.phase == Phase::Machine(MachineStage::Greeting);
        self.answered_by = AnsweredBy::Person;
        match self.phase {
            Phase::Opening => self.greet(),
            // Machines press no keys: back to the person.
            Phase::Machine(_) if waiting_for_machine => {
                self.timers.stop(Timer::Beep);
                self.timers.stop(Timer::BeepSilence);
                self.phase = Phase::Opening;
                self.greet();
            }
            Phase::Screened => self.put_through(),
            Phase::Asking(ask) => match self.turn.step.clone() {
                Step::Holding => self.ask_open_question(&[]),
                Step::Confirming(pending) => self.key_to_confirm(&pending, key),
                Step::Asked => match ask {
                    Ask::Consent => self.key_to_consent(key),
                    Ask::Question(index) => self.key_to_question(index, key),
                },
            },
            _ => {}
        }
    }

    fn key_to_consent(&mut self, key: char) {
        match key {
            // Nobody can agree to what has not been asked yet; the question is on its way.
            '1' if self.voice.asking_at.is_none() => {}
            '1' => self.consent_given(&Utterance::keys("1"), AnswerVia::Keys),
            '2' => self.refuse(&Utterance::keys("2"), AnswerVia::Keys, "no"),
            '9' => self.remove(Utterance::keys("9")),
            '*' => self.detour(Intent::Repeat),
            _ => self.ask_again(Why::Unclear),
        }
    }

    fn key_to_confirm(&mut self, pending: &Pending, key: char) {
        let about_consent = self.phase == Phase::Asking(Ask::Consent);
        match key {
            '1' => self.accept(pending, AnswerVia::Keys),
            '2' => self.ask_again(Why::Denied),
            '9' if about_consent || pending.what == Doubt::Removal => self.remove(Utterance::keys("9")),
            '*' => self.detour(Intent::Repeat),
            _ => self.ask_again(Why::Unclear),
        }
    }

    fn key_to_question(&mut self, index: usize, key: char) {
        if key == '*' {
            self.detour(Intent::Repeat);
            return;
        }
        let Some(kind) = self.script.kind(index) else {
            return;
        };
        let digit = key.to_digit(10).map(i64::from);
        match kind {
            QuestionKind::YesNo => match key {
                '1' => self.keyed(index, AnswerValue::YesNo(true), "1"),
                '2' => self.keyed(index, AnswerValue::YesNo(false), "2"),
                _ => self.ask_again(Why::Invalid),
            },
            QuestionKind::Choice { options } => {
                let position = digit.and_then(|digit| usize::try_from(digit - 1).ok());
                match position
                    .and_then(|position| options.get(position))
                    .map(|option| option.key.clone())
                {
                    Some(option) => self.keyed(index, AnswerValue::Choice(option), &key.to_string()),
                    None => self.ask_again(Why::Invalid),
                }
            }
            QuestionKind::FreeText { .. } if key == '#' => self.skipped(index),
            QuestionKind::FreeText { .. } => {}
            QuestionKind::Number { max, .. } | QuestionKind::Scale { max, .. } => {
                let max = *max;
                self.key_of_number(key, max);
            }
        }
    }

    /// Collects digits until `#`, a pause, or a number that cannot grow.
    fn key_of_number(&mut self, key: char, max: i64) {
        if key == '#' {
            if self.turn.keys.is_empty() {
                self.ask_again(Why::Invalid);
            } else {
                self.keys_complete();
            }
            return;
        }
        self.forget_consultation();
        self.held = None;
        self.hush();
        self.timers.stop(Timer::Silence);
        self.turn.keys.push(key);
        let so_far: i64 = self.turn.keys.parse().unwrap_or(i64::MAX);
        if so_far.saturating_mul(10) > max || max < 10 || self.turn.keys.len() >= MOST_DIGITS {
            self.keys_complete();
        } else {
            self.timers.set(Timer::Keys, self.after(self.config.key_pause_ms));
        }
    }

    pub(super) fn keys_complete(&mut self) {
        self.timers.stop(Timer::Keys);
        let keys = std::mem::take(&mut self.turn.keys);
        let Some((index, kind)) = self.open_question() else {
            return;
        };
        let number = keys.parse::<i64>().ok();
        let value = match (kind, range_of(kind), number) {
            (QuestionKind::Number { .. }, Some((min, max)), Some(number)) if (min..=max).contains(&number) => {
                Some(AnswerValue::Number(number))
            }
            (QuestionKind::Scale { .. }, Some((min, max)), Some(number)) if (min..=max).contains(&number) => {
                Some(AnswerValue::Scale(number))
            }
            _ => None,
        };
        match value {
            Some(value) => self.keyed(index, value, &keys),
            None => self.ask_again(Why::Invalid),
        }
    }

    fn keyed(&mut self, index: usize, value: AnswerValue, keys: &str) {
        self.answered(index, value, &Utterance::keys(keys), AnswerVia::Keys);
    }
}

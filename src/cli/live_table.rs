//! The respondents of a run as it goes: a table redrawn in place on a terminal, one line per change elsewhere.

use samvad_actors::domain::{AnswerValue, AttemptId, CarrierStatus, ContactId, Outcome};
use samvad_actors::runtime::CallEvent;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shortest time between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

/// One respondent as shown.
#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    state: String,
    outcome: Option<Outcome>,
    answers: Vec<AnswerValue>,
}

/// The table.
pub(super) struct LiveTable<W: Write> {
    out: W,
    on_terminal: bool,
    contacts: BTreeMap<ContactId, usize>,
    attempts: BTreeMap<AttemptId, usize>,
    rows: Vec<Row>,
    drawn_lines: usize,
    last_draw: Option<Instant>,
    started: Instant,
}

impl LiveTable<std::io::Stdout> {
    /// A table on standard output with one row per contact: its id and the name to show.
    pub(super) fn on_stdout(contacts: Vec<(ContactId, String)>) -> Self {
        let stdout = std::io::stdout();
        let on_terminal = stdout.is_terminal();
        Self::new(stdout, on_terminal, contacts)
    }
}

impl<W: Write> LiveTable<W> {
    fn new(out: W, on_terminal: bool, contacts: Vec<(ContactId, String)>) -> Self {
        let rows = contacts
            .iter()
            .map(|(_, name)| Row {
                name: name.clone(),
                state: "waiting".to_owned(),
                ..Row::default()
            })
            .collect();
        let contacts = contacts
            .into_iter()
            .enumerate()
            .map(|(index, (contact, _))| (contact, index))
            .collect();
        Self {
            out,
            on_terminal,
            contacts,
            attempts: BTreeMap::new(),
            rows,
            drawn_lines: 0,
            last_draw: None,
            started: Instant::now(),
        }
    }

    /// How many respondents have an outcome.
    pub(super) fn finished(&self) -> usize {
        self.rows.iter().filter(|row| row.outcome.is_some()).count()
    }

    /// Shows an event. A terminal that is gone is not an error of the run.
    pub(super) fn show(&mut self, event: &CallEvent) {
        let Some(index) = self.apply(event) else { return };
        if self.on_terminal {
            if self.last_draw.is_none_or(|last| last.elapsed() >= REDRAW) {
                self.redraw();
            }
        } else {
            let row = &self.rows[index];
            let _ = writeln!(
                self.out,
                "{:>6.1}s  {:<34} {}",
                self.started.elapsed().as_secs_f32(),
                row.name,
                row.text()
            );
        }
    }

    /// Draws the last state.
    pub(super) fn finish(&mut self) {
        if self.on_terminal {
            self.redraw();
        }
    }

    /// Changes the row an event is about; `None` if it is about none, or changes nothing that is shown.
    fn apply(&mut self, event: &CallEvent) -> Option<usize> {
        let index = match event {
            CallEvent::Placed { attempt, contact } => {
                let index = *self.contacts.get(contact)?;
                self.attempts.insert(attempt.clone(), index);
                index
            }
            CallEvent::NotPlaced { contact, .. } => *self.contacts.get(contact)?,
            CallEvent::Status { attempt, .. }
            | CallEvent::Talking { attempt }
            | CallEvent::Phase { attempt, .. }
            | CallEvent::Ended { attempt, .. } => *self.attempts.get(attempt)?,
            CallEvent::Idle => return None,
        };
        let row = &mut self.rows[index];
        let before = row.text();
        match event {
            CallEvent::Placed { .. } => row.state = "dialling".to_owned(),
            CallEvent::NotPlaced { reason, .. } => row.state = format!("not called: {reason}"),
            CallEvent::Status { status, .. } if !status.is_terminal() && *status != CarrierStatus::InProgress => {
                row.state = status.as_str().to_owned();
            }
            CallEvent::Status { .. } | CallEvent::Idle => {}
            CallEvent::Talking { .. } => row.state = "greeting".to_owned(),
            CallEvent::Phase { phase, .. } => row.state.clone_from(phase),
            CallEvent::Ended { outcome, answers, .. } => {
                row.outcome = Some(*outcome);
                row.answers.clone_from(answers);
            }
        }
        (row.text() != before).then_some(index)
    }

    fn redraw(&mut self) {
        let mut frame = String::new();
        if self.drawn_lines > 0 {
            // Cursor up to the table's first line (ECMA-48 CUU), then overwrite line by line.
            frame.push_str(&format!("\x1b[{}A", self.drawn_lines));
        }
        for row in &self.rows {
            let colour = match row.outcome {
                None if row.state == "waiting" => "\x1b[2m",
                None => "\x1b[36m",
                Some(Outcome::Completed) => "\x1b[32m",
                Some(Outcome::Failed | Outcome::Abandoned) => "\x1b[33m",
                Some(_) => "\x1b[0m",
            };
            frame.push_str(&format!("\x1b[2K{colour}{:<34} {}\x1b[0m\n", row.name, row.text()));
        }
        frame.push_str(&format!(
            "\x1b[2K{} of {} done, {:.0} s\n",
            self.finished(),
            self.rows.len(),
            self.started.elapsed().as_secs_f32()
        ));
        self.drawn_lines = self.rows.len() + 1;
        self.last_draw = Some(Instant::now());
        let _ = self.out.write_all(frame.as_bytes());
        let _ = self.out.flush();
    }
}

impl Row {
    fn text(&self) -> String {
        match self.outcome {
            None => self.state.clone(),
            Some(outcome) if self.answers.is_empty() => super::report::outcome_word(outcome).to_owned(),
            Some(outcome) => {
                let answers: Vec<String> = self.answers.iter().map(super::report::answer_text).collect();
                format!("{}: {}", super::report::outcome_word(outcome), answers.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::domain::Disposition;

    fn table(on_terminal: bool) -> LiveTable<Vec<u8>> {
        LiveTable::new(Vec::new(), on_terminal, vec![("c1".into(), "Asha".to_owned())])
    }

    fn run(table: &mut LiveTable<Vec<u8>>) -> String {
        table.show(&CallEvent::Placed {
            attempt: "a1".into(),
            contact: "c1".into(),
        });
        table.show(&CallEvent::Phase {
            attempt: "a1".into(),
            phase: "consent".to_owned(),
        });
        table.show(&CallEvent::Ended {
            attempt: "a1".into(),
            outcome: Outcome::Completed,
            disposition: Disposition::Complete,
            end_reason: None,
            answers: vec![AnswerValue::Scale(4)],
        });
        table.finish();
        String::from_utf8(table.out.clone()).expect("text")
    }

    #[test]
    fn without_a_terminal_there_is_a_plain_line_per_change_and_no_colour() {
        let mut table = table(false);
        let text = run(&mut table);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("consent") && text.contains("completed: 4"));
        assert!(!text.contains('\x1b'));
        assert_eq!(table.finished(), 1);
    }

    #[test]
    fn on_a_terminal_the_table_is_redrawn_in_place() {
        let text = run(&mut table(true));
        assert!(text.contains("\x1b[2A"), "moves up over the table's two lines");
        assert!(text.ends_with("1 of 1 done, 0 s\n"));
    }

    #[test]
    fn an_event_about_somebody_else_is_passed_over() {
        let mut table = table(false);
        table.show(&CallEvent::Talking {
            attempt: "unknown".into(),
        });
        assert!(table.out.is_empty());
    }
}

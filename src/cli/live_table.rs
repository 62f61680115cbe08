//! The respondents of a run as it goes: a table redrawn in place on a terminal, one line per change elsewhere.

use super::output::OutputError;
use samvad_actors::domain::{AnswerValue, AttemptId, CarrierStatus, ContactId, Outcome};
use samvad_actors::runtime::CallEvent;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Shortest time between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

/// The state of a respondent who is still to be called.
const WAITING: &str = "waiting";

/// Columns of the names.
const NAME_WIDTH: usize = 26;

/// One respondent as shown.
#[derive(Clone, Debug, Default)]
struct Row {
    name: String,
    state: String,
    outcome: Option<Outcome>,
    answers: Vec<AnswerValue>,
}

/// What is drawn on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Surface {
    /// A pipe or a file: one line per change.
    Lines,
    /// A terminal. Its size is asked for at each redraw, unless it is fixed (in tests).
    Terminal { colour: bool, size: Option<Size> },
}

/// Of a terminal, in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Size {
    columns: usize,
    rows: usize,
}

/// The table.
pub(super) struct LiveTable<W: Write> {
    out: W,
    surface: Surface,
    contacts: BTreeMap<ContactId, usize>,
    attempts: BTreeMap<AttemptId, usize>,
    rows: Vec<Row>,
    drawn_lines: usize,
    last_draw: Option<Instant>,
    started: Instant,
}

impl LiveTable<io::Stdout> {
    /// A table on standard output with one row per contact: its id and the name to show. Without colour where the
    /// variable `NO_COLOR` is set (no-color.org).
    pub(super) fn on_stdout(contacts: Vec<(ContactId, String)>) -> Self {
        let stdout = io::stdout();
        let can_move = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let surface = if stdout.is_terminal() && can_move {
            Surface::Terminal {
                colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
                size: None,
            }
        } else {
            Surface::Lines
        };
        Self::new(stdout, surface, contacts)
    }
}

impl<W: Write> LiveTable<W> {
    fn new(out: W, surface: Surface, contacts: Vec<(ContactId, String)>) -> Self {
        let rows = contacts
            .iter()
            .map(|(_, name)| Row {
                name: name.clone(),
                state: WAITING.to_owned(),
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
            surface,
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

    /// Shows an event.
    pub(super) fn show(&mut self, event: &CallEvent) -> Result<(), OutputError> {
        let Some(index) = self.apply(event) else { return Ok(()) };
        match self.surface {
            Surface::Terminal { .. } => self.tick(),
            Surface::Lines => {
                let row = &self.rows[index];
                let seconds = self.started.elapsed().as_secs_f32();
                writeln!(self.out, "{seconds:>6.1}s  {:<NAME_WIDTH$} {}", row.name, row.text())?;
                Ok(self.out.flush()?)
            }
        }
    }

    /// Some time has passed: on a terminal the seconds go on.
    pub(super) fn tick(&mut self) -> Result<(), OutputError> {
        if self.last_draw.is_none_or(|last| last.elapsed() >= REDRAW) {
            self.redraw()?;
        }
        Ok(())
    }

    /// Draws the last state.
    pub(super) fn finish(&mut self) -> Result<(), OutputError> {
        self.redraw()
    }

    /// Changes the row an event is about; `None` if it is about none, or changes nothing that is shown.
    fn apply(&mut self, event: &CallEvent) -> Option<usize> {
        let index = match event {
            CallEvent::Placed { attempt, contact, .. } => {
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

    fn redraw(&mut self) -> Result<(), OutputError> {
        let Surface::Terminal { colour, size } = self.surface else {
            return Ok(());
        };
        let size = size.unwrap_or_else(terminal_size);
        let mut frame = String::new();
        if self.drawn_lines > 0 {
            // Cursor up to the table's first line (ECMA-48 CUU), then overwrite line by line.
            let _ = write!(frame, "\x1b[{}A", self.drawn_lines);
        }
        let shown = self.shown_rows(size.rows);
        for row in &shown {
            let line = clip(&format!("{:<NAME_WIDTH$} {}", row.name, row.text()), size.columns);
            let (begin, end) = if colour { (row.colour(), "\x1b[0m") } else { ("", "") };
            let _ = writeln!(frame, "\x1b[2K{begin}{line}{end}");
        }
        let summary = format!(
            "{} of {} done, {:.0} s",
            self.finished(),
            self.rows.len(),
            self.started.elapsed().as_secs_f32()
        );
        // What is left of a longer frame is erased (ED).
        let _ = writeln!(frame, "\x1b[2K{}\x1b[J", clip(&summary, size.columns));
        self.drawn_lines = shown.len() + 1;
        self.last_draw = Some(Instant::now());
        self.out.write_all(frame.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// All rows where the terminal is high enough; else those that still go on, as many as fit.
    fn shown_rows(&self, terminal_rows: usize) -> Vec<&Row> {
        // The summary, and the line on which the cursor waits.
        let room = terminal_rows.saturating_sub(2).max(1);
        if self.rows.len() <= room {
            return self.rows.iter().collect();
        }
        let under_way = |row: &&Row| row.outcome.is_none() && row.state != WAITING;
        let waiting = |row: &&Row| row.outcome.is_none() && row.state == WAITING;
        let first = self.rows.iter().filter(under_way);
        first.chain(self.rows.iter().filter(waiting)).take(room).collect()
    }
}

/// The size of the terminal on standard output; 80 by 24 if it does not say.
fn terminal_size() -> Size {
    let found = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let found = found.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    found.map_or(Size { columns: 80, rows: 24 }, |size| Size {
        columns: size.ws_col.into(),
        rows: size.ws_row.into(),
    })
}

/// A line that fits: a longer one would wrap, and the next frame would not meet this one.
fn clip(line: &str, columns: usize) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    if line.chars().count() <= columns {
        return line.chars().map(printable).collect();
    }
    let kept = line.chars().take(columns.saturating_sub(1)).map(printable);
    kept.chain(['…']).collect()
}

impl Row {
    fn colour(&self) -> &'static str {
        match self.outcome {
            None if self.state == WAITING => "\x1b[2m",
            None => "\x1b[36m",
            Some(Outcome::Completed) => "\x1b[32m",
            Some(Outcome::Failed | Outcome::Abandoned) => "\x1b[33m",
            Some(_) => "\x1b[0m",
        }
    }

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

    fn table(surface: Surface, people: usize) -> LiveTable<Vec<u8>> {
        let contacts = (1..=people).map(|n| (ContactId::new(format!("c{n}")), format!("Person {n}")));
        LiveTable::new(Vec::new(), surface, contacts.collect())
    }

    fn terminal(columns: usize, rows: usize) -> Surface {
        let size = Some(Size { columns, rows });
        Surface::Terminal { colour: true, size }
    }

    fn run(table: &mut LiveTable<Vec<u8>>) -> String {
        let placed = CallEvent::Placed {
            attempt: "a1".into(),
            campaign: "spring".into(),
            contact: "c1".into(),
        };
        let asked = CallEvent::Phase {
            attempt: "a1".into(),
            phase: "consent".to_owned(),
        };
        let ended = CallEvent::Ended {
            attempt: "a1".into(),
            outcome: Outcome::Completed,
            disposition: Disposition::Complete,
            end_reason: None,
            answers: vec![AnswerValue::Scale(4)],
        };
        for event in [placed, asked, ended] {
            table.show(&event).expect("shown");
        }
        table.finish().expect("shown");
        String::from_utf8(table.out.clone()).expect("text")
    }

    /// The lines of the last frame, without colours.
    fn last_frame(text: &str) -> Vec<String> {
        let frame = text.rsplit_once("A\x1b[2K").map_or(text, |(_, frame)| frame);
        let plain = |line: &str| {
            line.split('\x1b')
                .map(|part| {
                    part.strip_prefix('[')
                        .map_or(part, |code| code.split_once(['m', 'K', 'J']).map_or("", |it| it.1))
                })
                .collect()
        };
        frame.lines().map(plain).collect()
    }

    #[test]
    fn without_a_terminal_there_is_a_plain_line_per_change_and_no_colour() {
        let mut table = table(Surface::Lines, 1);
        let text = run(&mut table);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("consent") && text.contains("completed: 4"));
        assert!(!text.contains('\x1b'));
        assert_eq!(table.finished(), 1);
    }

    #[test]
    fn on_a_terminal_the_table_is_redrawn_in_place() {
        let text = run(&mut table(terminal(80, 24), 1));
        assert!(text.contains("\x1b[2A"), "moves up over the table's two lines");
        assert_eq!(last_frame(&text).last().map(String::as_str), Some("1 of 1 done, 0 s"));
    }

    #[test]
    fn a_frame_is_never_higher_or_wider_than_the_terminal() {
        for (columns, rows) in [(80, 24), (20, 5), (1, 1)] {
            let frame = last_frame(&run(&mut table(terminal(columns, rows), 40)));
            assert!(frame.len() <= rows.max(2), "{frame:?}");
            assert!(frame.iter().all(|line| line.chars().count() <= columns), "{frame:?}");
        }
    }

    #[test]
    fn on_a_low_terminal_those_who_are_done_make_room_for_the_others() {
        let text = run(&mut table(terminal(80, 6), 5));
        let frame = last_frame(&text);
        assert!(frame[0].starts_with("Person 2"), "{frame:?}");
        assert_eq!(frame.last().map(String::as_str), Some("1 of 5 done, 0 s"));
    }

    #[test]
    fn without_colour_there_is_none() {
        let size = Some(Size { columns: 80, rows: 24 });
        let text = run(&mut table(Surface::Terminal { colour: false, size }, 1));
        assert!(!text.contains("\x1b[32m") && !text.contains("\x1b[0m"));
    }

    #[test]
    fn an_event_about_somebody_else_is_passed_over() {
        let mut table = table(Surface::Lines, 1);
        let event = CallEvent::Talking {
            attempt: "unknown".into(),
        };
        table.show(&event).expect("nothing to show");
        assert!(table.out.is_empty());
    }
}

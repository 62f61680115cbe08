//! Every wait of a conversation in one place, so that none is forgotten.

use super::input::Millis;

/// What is waited for. The order decides between waits that end in the same millisecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Timer {
    /// The caller's "hello".
    Opening,
    /// The greeting by name, when it is time to greet.
    Name,
    /// The end of a first speech that is already too long for a person's.
    LongSpeech,
    /// The end of a speech.
    Speech,
    /// The recogniser's result.
    Recognition,
    /// The language model.
    Understanding,
    /// The moment to say that it takes a moment; then the end of that.
    Filler,
    /// Words, or more than an acknowledgement, of a speech that may interrupt.
    Acknowledgement,
    /// Our first audio after a speech.
    Response,
    /// The next key of a number.
    Keys,
    /// An answer, with nobody speaking.
    Silence,
    /// An answer, whatever noise there is.
    Turn,
    /// The end of "hold on".
    Hold,
    /// The marks of a playback.
    Playback,
    /// Word that do-not-call is written.
    DoNotCall,
    /// Silence after a machine's greeting.
    BeepSilence,
    /// The end of a machine's greeting.
    Beep,
    /// A person, behind a service that screens calls.
    Screening,
    /// The longest call.
    Call,
}

impl Timer {
    const ALL: [Self; 19] = [
        Self::Opening,
        Self::Name,
        Self::LongSpeech,
        Self::Speech,
        Self::Recognition,
        Self::Understanding,
        Self::Filler,
        Self::Acknowledgement,
        Self::Response,
        Self::Keys,
        Self::Silence,
        Self::Turn,
        Self::Hold,
        Self::Playback,
        Self::DoNotCall,
        Self::BeepSilence,
        Self::Beep,
        Self::Screening,
        Self::Call,
    ];
}

/// When each wait is over.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    due: [Option<Millis>; Timer::ALL.len()],
}

impl Timers {
    /// Sets or replaces a wait.
    pub(super) fn set(&mut self, timer: Timer, due: Millis) {
        self.due[timer as usize] = Some(due);
    }

    /// Sets a wait unless it is set already.
    pub(super) fn ensure(&mut self, timer: Timer, due: Millis) {
        self.due[timer as usize].get_or_insert(due);
    }

    /// When a wait is over; `None` if it is not set.
    pub(super) fn due(&self, timer: Timer) -> Option<Millis> {
        self.due[timer as usize]
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.due[timer as usize] = None;
    }

    pub(super) fn stop_all(&mut self) {
        self.due = Default::default();
    }

    /// When the next wait is over.
    pub(super) fn next(&self) -> Option<Millis> {
        self.due.iter().flatten().min().copied()
    }

    /// Takes the earliest wait that is over by `now`.
    pub(super) fn take_due(&mut self, now: Millis) -> Option<Timer> {
        let next = self.next().filter(|due| *due <= now)?;
        let timer = Timer::ALL
            .into_iter()
            .find(|timer| self.due[*timer as usize] == Some(next))?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end_in_the_order_of_time_and_then_of_the_list() {
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Call, 10);
        timers.set(Timer::Silence, 10);
        timers.set(Timer::Hold, 5);
        timers.ensure(Timer::Hold, 99);
        assert_eq!(timers.take_due(4), None);
        assert_eq!(timers.next(), Some(5));
        let order: Vec<_> = std::iter::from_fn(|| timers.take_due(10)).collect();
        assert_eq!(order, [Timer::Hold, Timer::Silence, Timer::Call]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn every_wait_has_its_own_place() {
        for (place, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, place);
        }
    }
}

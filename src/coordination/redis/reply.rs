//! What a script replies: its time, a word, and what belongs to the word.

use super::Timed;
use deadpool_redis::redis::{FromRedisValue, Value, from_redis_value};
use samvad_actors::ports::{CoordinationError, Limit};
use std::time::Duration;

/// A reply, read from its beginning.
pub(super) struct Reply {
    pub(super) at_us: u64,
    pub(super) word: String,
    rest: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(super) fn read(values: Vec<Value>) -> Result<Self, CoordinationError> {
        let mut rest = values.into_iter();
        Ok(Self {
            at_us: next(&mut rest)?,
            word: next(&mut rest)?,
            rest,
        })
    }

    /// The next part.
    pub(super) fn part<T: FromRedisValue>(&mut self) -> Result<T, CoordinationError> {
        next(&mut self.rest)
    }

    /// The next part, microseconds.
    pub(super) fn duration(&mut self) -> Result<Duration, CoordinationError> {
        Ok(Duration::from_micros(self.part()?))
    }

    /// The next part, microseconds; negative is none.
    pub(super) fn duration_or_none(&mut self) -> Result<Option<Duration>, CoordinationError> {
        let us: i64 = self.part()?;
        Ok(u64::try_from(us).ok().map(Duration::from_micros))
    }

    /// The next part, an index into [`Limit::ALL`].
    pub(super) fn limit(&mut self) -> Result<Limit, CoordinationError> {
        let index: usize = self.part()?;
        Limit::ALL.get(index).copied().ok_or_else(|| self.unexpected())
    }

    /// A value with the time of the reply.
    pub(super) fn timed<T>(&self, value: T) -> Timed<T> {
        Timed {
            at_us: self.at_us,
            value,
        }
    }

    /// The word, or something after it, is none that this version knows.
    pub(super) fn unexpected(&self) -> CoordinationError {
        CoordinationError::Corrupt {
            reason: format!("an unknown reply of a script: {}", self.word),
        }
    }
}

fn next<T: FromRedisValue>(values: &mut impl Iterator<Item = Value>) -> Result<T, CoordinationError> {
    let value = values.next().ok_or_else(|| CoordinationError::Corrupt {
        reason: "a script's reply is too short".to_owned(),
    })?;
    from_redis_value(value).map_err(|_| CoordinationError::Corrupt {
        reason: "a script's reply has another type than expected".to_owned(),
    })
}

//! Who can be called in a scenario: callers multiplied by their counts, each with a number.

use super::{Caller, Expectations, Scenario};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One person, or machine, who can be called.
#[derive(Clone, Debug)]
pub struct Respondent {
    /// Place in the list, from 0; the lines of the report carry it.
    pub index: usize,
    /// E.164 number.
    pub number: String,
    /// Name of the kind of caller.
    pub caller: String,
    /// BCP 47 tag of the language that is known beforehand to be theirs.
    pub language: Option<String>,
    /// What must come of the call.
    pub expectations: Expectations,
    pub(crate) script: Arc<Caller>,
}

impl Scenario {
    /// Everybody who can be called. Without `calls`: each caller as often as its `count` says, in the order of the
    /// file. With it: that many, spread by `weight` (by `count` where there is none). The same arguments always give
    /// the same list, so that the simulator and the maker of the campaign need not talk to one another.
    pub fn respondents(&self, calls: Option<usize>) -> Vec<Respondent> {
        let chosen: Vec<&Arc<Caller>> = match calls {
            None => self
                .callers
                .iter()
                .flat_map(|caller| std::iter::repeat_n(caller, caller.count))
                .collect(),
            Some(total) => self.spread(total),
        };
        let mut used: BTreeSet<u64> = BTreeSet::new();
        let fixed: BTreeSet<u64> = self.callers.iter().filter_map(|caller| caller.number).collect();
        chosen
            .into_iter()
            .enumerate()
            .map(|(index, caller)| {
                let mut number = caller.number.unwrap_or(self.first_number);
                while used.contains(&number) || (fixed.contains(&number) && caller.number != Some(number)) {
                    number += 1;
                }
                used.insert(number);
                Respondent {
                    index,
                    number: format!("+{number}"),
                    caller: caller.name.clone(),
                    language: caller.language.clone(),
                    expectations: caller.expect.clone(),
                    script: caller.clone(),
                }
            })
            .collect()
    }

    /// What must come of a call to each number: see [`Scenario::respondents`].
    pub fn expectations(&self, calls: Option<usize>) -> Vec<(String, Expectations)> {
        self.respondents(calls)
            .into_iter()
            .map(|respondent| (respondent.number, respondent.expectations))
            .collect()
    }

    /// Smooth weighted round robin: every stretch of the list has about the same mixture.
    fn spread(&self, total: usize) -> Vec<&Arc<Caller>> {
        let sum: f64 = self.callers.iter().map(|caller| caller.weight).sum();
        let mut credit = vec![0.0; self.callers.len()];
        (0..total)
            .filter_map(|_| {
                for (credit, caller) in credit.iter_mut().zip(&self.callers) {
                    *credit += caller.weight;
                }
                let best = (0..credit.len()).max_by(|&a, &b| credit[a].total_cmp(&credit[b]).then(b.cmp(&a)))?;
                credit[best] -= sum;
                self.callers.get(best)
            })
            .collect()
    }
}

//! Outcome rates of the American Association for Public Opinion Research (AAPOR), Standard Definitions, 10th edition,
//! for random-digit and list samples by telephone.

use crate::domain::Disposition;

/// Cases (contacts) by the groups that rates are made of, each counted by its final disposition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaseCounts {
    /// I: complete interviews (1.1).
    pub complete: u64,
    /// P: partial interviews (1.2).
    pub partial: u64,
    /// R: refusals and break-offs (2.1x).
    pub refusal: u64,
    /// NC: non-contacts (2.2x).
    pub non_contact: u64,
    /// O: others who are eligible (2.3x).
    pub other: u64,
    /// UH: unknown whether there is a household (3.1x).
    pub unknown_household: u64,
    /// UO: unknown otherwise (3.2x to 3.9).
    pub unknown_other: u64,
    /// NE: not eligible (4.x). Never among the unknown.
    pub not_eligible: u64,
}

/// Rates as parts of 1; `None` where a rate would divide by no case at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The part of the cases of unknown eligibility that is taken for eligible.
    pub e: f64,
    /// RR1 to RR6. The odd ones count complete interviews, the even ones partial ones too; of the unknown cases the first
    /// two take all for eligible, the next two the part `e`, the last two none.
    pub response: [Option<f64>; 6],
    /// COOP1 to COOP4. The odd ones count complete interviews, the even ones partial ones too; the last two leave out
    /// those who could not be interviewed for other reasons.
    pub cooperation: [Option<f64>; 4],
    /// REF1 to REF3, of the unknown cases all, the part `e`, or none.
    pub refusal: [Option<f64>; 3],
    /// CON1 to CON3, in the same way.
    pub contact: [Option<f64>; 3],
}

impl CaseCounts {
    /// Counts cases of a disposition.
    pub fn add(&mut self, disposition: Disposition, cases: u64) {
        let group = match disposition {
            Disposition::Complete => &mut self.complete,
            Disposition::Partial => &mut self.partial,
            Disposition::RespondentRefusal | Disposition::BreakOff => &mut self.refusal,
            Disposition::NonContact => &mut self.non_contact,
            Disposition::NotAttempted
            | Disposition::Busy
            | Disposition::NoAnswer
            | Disposition::Machine
            | Disposition::TechnicalProblem => &mut self.unknown_household,
            Disposition::Fax | Disposition::NonWorkingNumber => &mut self.not_eligible,
        };
        *group = group.saturating_add(cases);
    }

    /// The rates. Without an `e` (0 to 1; others are brought into that range) it is the part of the eligible among the
    /// cases whose eligibility is known, and 1 where none is.
    pub fn rates(&self, e: Option<f64>) -> Rates {
        // Counts of cases are far below 2^53, up to which a float is exact.
        let [complete, partial, refused, no_contact, other, not_eligible] = [
            self.complete,
            self.partial,
            self.refusal,
            self.non_contact,
            self.other,
            self.not_eligible,
        ]
        .map(|cases| cases as f64);
        let unknown = self.unknown_household as f64 + self.unknown_other as f64;
        let eligible = complete + partial + refused + no_contact + other;
        let e = match e {
            Some(e) if !e.is_nan() => e.clamp(0.0, 1.0),
            _ => part(eligible, eligible + not_eligible).unwrap_or(1.0),
        };
        let bases = [eligible + unknown, eligible + e * unknown, eligible];
        let [all, some, none] = bases;
        let [interviewed, interviewed_in_part] = [complete, complete + partial];
        let willing = complete + partial + refused;
        let contacted = willing + other;
        Rates {
            e,
            response: [
                part(interviewed, all),
                part(interviewed_in_part, all),
                part(interviewed, some),
                part(interviewed_in_part, some),
                part(interviewed, none),
                part(interviewed_in_part, none),
            ],
            cooperation: [
                part(interviewed, contacted),
                part(interviewed_in_part, contacted),
                part(interviewed, willing),
                part(interviewed_in_part, willing),
            ],
            refusal: bases.map(|base| part(refused, base)),
            contact: bases.map(|base| part(contacted, base)),
        }
    }
}

fn part(of: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| of / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(rate: Option<f64>, of: f64, whole: f64) -> bool {
        rate.is_some_and(|rate| (rate - of / whole).abs() < 1e-12)
    }

    #[test]
    fn the_rates_of_a_worked_example_are_those_of_the_definitions() {
        let counts = CaseCounts {
            complete: 5,
            partial: 2,
            refusal: 1,
            non_contact: 7,
            other: 3,
            unknown_household: 4,
            unknown_other: 8,
            not_eligible: 0,
        };
        let rates = counts.rates(Some(0.75));
        let [rr1, rr2, rr3, rr4, rr5, rr6] = rates.response;
        assert!(close(rr1, 5.0, 30.0) && close(rr2, 7.0, 30.0), "{rates:?}");
        assert!(close(rr3, 5.0, 27.0) && close(rr4, 7.0, 27.0), "{rates:?}");
        assert!(close(rr5, 5.0, 18.0) && close(rr6, 7.0, 18.0), "{rates:?}");
        let [coop1, coop2, coop3, coop4] = rates.cooperation;
        assert!(close(coop1, 5.0, 11.0) && close(coop2, 7.0, 11.0), "{rates:?}");
        assert!(close(coop3, 5.0, 8.0) && close(coop4, 7.0, 8.0), "{rates:?}");
        let [ref1, ref2, ref3] = rates.refusal;
        assert!(
            close(ref1, 1.0, 30.0) && close(ref2, 1.0, 27.0) && close(ref3, 1.0, 18.0),
            "{rates:?}"
        );
        let [con1, con2, con3] = rates.contact;
        assert!(
            close(con1, 11.0, 30.0) && close(con2, 11.0, 27.0) && close(con3, 11.0, 18.0),
            "{rates:?}"
        );
    }

    #[test]
    fn what_is_not_known_is_taken_for_eligible_as_often_as_what_is_known_and_always_where_nothing_is() {
        let counts = CaseCounts {
            complete: 3,
            unknown_household: 4,
            not_eligible: 1,
            ..CaseCounts::default()
        };
        let rates = counts.rates(None);
        assert!(
            (rates.e - 0.75).abs() < 1e-12 && close(rates.response[2], 3.0, 6.0),
            "{rates:?}"
        );
        let unknown = CaseCounts {
            unknown_household: 2,
            ..CaseCounts::default()
        };
        assert_eq!(
            unknown.rates(None).response,
            [Some(0.0), Some(0.0), Some(0.0), Some(0.0), None, None]
        );
    }

    #[test]
    fn of_no_case_at_all_there_is_no_rate() {
        let rates = CaseCounts::default().rates(None);
        assert_eq!(rates.response, [None; 6]);
        assert_eq!(
            (rates.cooperation, rates.refusal, rates.contact),
            ([None; 4], [None; 3], [None; 3])
        );
    }

    #[test]
    fn faxes_and_numbers_out_of_service_are_no_part_of_any_rate() {
        let mut counts = CaseCounts::default();
        for (disposition, cases) in [
            (Disposition::Complete, 1),
            (Disposition::Partial, 2),
            (Disposition::RespondentRefusal, 3),
            (Disposition::BreakOff, 4),
            (Disposition::NonContact, 5),
            (Disposition::Busy, 6),
            (Disposition::Machine, 7),
            (Disposition::Fax, 8),
            (Disposition::NonWorkingNumber, 9),
        ] {
            counts.add(disposition, cases);
        }
        assert_eq!(
            counts,
            CaseCounts {
                complete: 1,
                partial: 2,
                refusal: 7,
                non_contact: 5,
                other: 0,
                unknown_household: 13,
                unknown_other: 0,
                not_eligible: 17,
            }
        );
        assert!(close(counts.rates(Some(1.0)).response[0], 1.0, 28.0));
    }

    proptest! {
        #[test]
        fn rates_are_parts_of_one_and_grow_as_fewer_unknown_cases_are_taken_for_eligible(
            groups in prop::array::uniform8(0u64..1_000_000),
            e in prop::option::of(any::<f64>()),
        ) {
            let [complete, partial, refusal, non_contact, other, unknown_household, unknown_other, not_eligible] = groups;
            let rates = CaseCounts {
                complete, partial, refusal, non_contact, other, unknown_household, unknown_other, not_eligible,
            }
            .rates(e);
            prop_assert!((0.0..=1.0).contains(&rates.e));
            let all = rates.response.iter().chain(&rates.cooperation).chain(&rates.refusal).chain(&rates.contact);
            for rate in all.flatten() {
                prop_assert!((0.0..=1.0 + 1e-12).contains(rate));
            }
            let [rr1, rr2, rr3, rr4, rr5, rr6] = rates.response;
            for series in [[rr1, rr3, rr5], [rr2, rr4, rr6], rates.refusal, rates.contact] {
                let known: Vec<f64> = series.into_iter().flatten().collect();
                prop_assert!(known.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12), "{series:?}");
            }
        }
    }
}

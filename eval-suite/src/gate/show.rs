//! Outcomes in words.

use std::fmt;

use super::compare::Against;
use super::{CaseClass, Outcome};
use crate::stats::repeats::{Change, Stability};

/// Offending cases a message lists; the rest is counted.
const SHOWN_CASES: usize = 40;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.verdict, self.reason)?;
        for offence in self.offences.iter().take(SHOWN_CASES) {
            write!(f, "\n  {}: {}", offence.case_id, offence.reason)?;
        }
        match self.offences.len().saturating_sub(SHOWN_CASES) {
            0 => {}
            more => write!(f, "\n  and {more} more")?,
        }
        for case in self.cases.iter().take(SHOWN_CASES) {
            write!(f, "\n  {case}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CaseClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stability = match self.stability {
            Stability::StablePass => "stable",
            Stability::StableFail => "stable failure",
            Stability::Flaky => "flaky",
        };
        let change = match self.change {
            Some(Change::Regressed) => ", regressed",
            Some(Change::Watch) => ", watch",
            Some(Change::Improved) => ", improved",
            Some(Change::Unchanged) | None => "",
        };
        write!(f, "{}: {stability}{change}: ", self.case_id)?;
        if let Some(base) = self.base {
            write!(f, "{}/{} -> ", base.passed, base.n)?;
        }
        write!(f, "{}/{}", self.head.passed, self.head.n)?;
        if let Some((p, adjusted)) = self.p.zip(self.p_adjusted) {
            write!(f, " (not worse {p:.3}, adjusted {adjusted:.3})")?;
        }
        Ok(())
    }
}

/// A comparison on one line.
pub(super) fn against(against: &Against, margin: Option<f64>) -> String {
    let Some(difference) = against.difference else {
        return format!("no question in common with {}", against.baseline);
    };
    let mut text = format!(
        "{difference:+.3} against {} over {} questions",
        against.baseline, against.questions
    );
    if let Some(bounds) = against
        .decision
        .as_ref()
        .and_then(|decision| decision.bounds)
    {
        text.push_str(&format!(
            " (one-sided bounds {:+.3} and {:+.3})",
            bounds.lo, bounds.hi
        ));
    } else if let Some(interval) = against.interval {
        text.push_str(&format!(
            " (95 % interval {:+.3} to {:+.3})",
            interval.lo, interval.hi
        ));
    }
    if let Some(binary) = &against.binary {
        text.push_str(&format!(
            ", {} won, {} lost, McNemar mid-p {:.3}",
            binary.wins, binary.losses, binary.mid_p
        ));
    }
    if against.unmatched > 0 {
        text.push_str(&format!(", {} unmatched", against.unmatched));
    }
    if let Some((decision, margin)) = against.decision.as_ref().zip(margin) {
        text.push_str(&format!(", margin {margin}: {}", decision.reason));
    } else if against.missing > 0 {
        text.push_str(&format!(", {} missing there", against.missing));
    }
    text
}

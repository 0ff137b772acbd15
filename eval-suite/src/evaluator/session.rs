//! Several turns judged one by one.

use super::{Evaluator, EvaluatorError, Finding};
use crate::client::Reply;
use crate::dataset::Case;

/// The mean over the turns the evaluator applies to; passed when all of them pass.
pub(super) async fn turn_by_turn<E: Evaluator + ?Sized>(
    evaluator: &E,
    case: &Case,
    replies: &[Reply],
) -> Result<Finding, EvaluatorError> {
    let (mut values, mut all_passed, mut reasons) = (Vec::new(), true, Vec::new());
    for (index, reply) in replies.iter().enumerate() {
        let number = index + 1;
        let Some(turn) = case.turn(index) else {
            return Err(EvaluatorError {
                message: format!("there is a reply {number} to {} turns", case.turn_count()),
            });
        };
        if evaluator.not_applicable(&turn).is_some() {
            continue;
        }
        match evaluator.evaluate(&turn, reply).await? {
            Finding::Scored {
                value,
                passed,
                reason,
            }
            | Finding::Judged {
                value,
                passed,
                reason,
                ..
            } => {
                values.push(value);
                all_passed &= passed;
                reasons.push(format!("turn {number}: {reason}"));
            }
            Finding::NotApplicable { .. } => {}
            Finding::MissingReference { reason } => {
                return Ok(Finding::MissingReference {
                    reason: format!("turn {number}: {reason}"),
                });
            }
            Finding::AgentError { reason } => {
                return Ok(Finding::AgentError {
                    reason: format!("turn {number}: {reason}"),
                });
            }
        }
    }
    if values.is_empty() {
        return Ok(Finding::NotApplicable {
            reason: "no turn asks anything of this evaluator".to_owned(),
        });
    }
    Ok(Finding::Scored {
        value: values.iter().sum::<f64>() / values.len() as f64,
        passed: all_passed,
        reason: reasons.join("; "),
    })
}

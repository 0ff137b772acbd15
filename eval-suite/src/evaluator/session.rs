//! Several turns judged one by one.

use super::{Evaluator, EvaluatorError, Finding, JudgeRecord};
use crate::client::Reply;
use crate::dataset::Case;

/// The mean over the turns the evaluator applies to; passed when all of them pass.
pub(super) async fn turn_by_turn<E: Evaluator + ?Sized>(
    evaluator: &E,
    case: &Case,
    replies: &[Reply],
) -> Result<Finding, EvaluatorError> {
    let (mut values, mut all_passed, mut reasons) = (Vec::new(), true, Vec::new());
    let (mut labels, mut records) = (Vec::new(), Vec::new());
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
        let finding = match evaluator.evaluate(&turn, reply).await? {
            Finding::Judged {
                value,
                passed,
                reason,
                label,
                judge,
            } => {
                labels.push(label);
                records.push(judge);
                Finding::Scored {
                    value,
                    passed,
                    reason,
                }
            }
            other => other,
        };
        match finding {
            Finding::Scored {
                value,
                passed,
                reason,
            } => {
                values.push(value);
                all_passed &= passed;
                reasons.push(format!("turn {number}: {reason}"));
            }
            Finding::Judged { .. } | Finding::NotApplicable { .. } => {}
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
    let value = values.iter().sum::<f64>() / values.len() as f64;
    let reason = reasons.join("; ");
    if records.is_empty() {
        return Ok(Finding::Scored {
            value,
            passed: all_passed,
            reason,
        });
    }
    labels.dedup();
    Ok(Finding::Judged {
        value,
        passed: all_passed,
        reason,
        label: match labels.as_slice() {
            [one] => one.clone(),
            _ => "mixed".to_owned(),
        },
        judge: JudgeRecord::merged(records),
    })
}

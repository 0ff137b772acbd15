//! What a study found: one document, and its faces on the terminal, in Markdown and in HTML.

mod html;
mod markdown;
mod table;
#[cfg(test)]
mod tests;
mod wording;
mod worst;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use eval_suite::experiment::EvaluatorSummary;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Plan;
use super::ranking::{self, Measured, Ranking};
use super::study::{Outcome, State};
use crate::config::Paths;
use crate::deploy::Hyperparameters;

pub(crate) use table::table;

/// Format of the JSON document.
const VERSION: u32 = 1;
/// Model ids that begin with it are played by the emulator.
const SIMULATED: &str = "simulated.";

/// The outcome of a study as it is printed, written and read by machines.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Of this format.
    pub(crate) version: u32,
    /// The study's id.
    pub(crate) study: String,
    /// Its name in the study file.
    pub(crate) name: String,
    /// Where it ran.
    pub(crate) environment: String,
    /// RFC 3339, UTC.
    pub(crate) started_at: String,
    /// RFC 3339, UTC.
    pub(crate) finished_at: String,
    /// What was asked.
    pub(crate) dataset: DatasetSummary,
    /// Highest quality first, failed ones last.
    pub(crate) candidates: Vec<CandidateReport>,
    /// Absent when no candidate was scored.
    pub(crate) recommendation: Option<Recommendation>,
    /// Whether any candidate used a simulated model: then the numbers say nothing about real ones.
    pub(crate) simulated: bool,
    /// The files, relative to the workspace root.
    pub(crate) reports: Files,
}

/// What was asked.
#[derive(Debug, Serialize)]
pub(crate) struct DatasetSummary {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) cases: usize,
}

/// The reports on disk.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Files {
    pub(crate) markdown: String,
    pub(crate) html: String,
    pub(crate) json: String,
}

/// One candidate's numbers.
#[derive(Debug, Serialize)]
pub(crate) struct CandidateReport {
    /// `c01`, …
    pub(crate) id: String,
    /// The varied values in words.
    pub(crate) label: String,
    /// What the study varied.
    pub(crate) varied: Map<String, Value>,
    /// Everything the agent got.
    pub(crate) hyperparameters: Hyperparameters,
    /// `complete` or `failed`.
    pub(crate) state: &'static str,
    /// Why it failed.
    pub(crate) reason: Option<String>,
    /// Questions to be asked.
    pub(crate) planned: usize,
    /// Questions answered and scored.
    pub(crate) scored: usize,
    /// Mean quality over the questions with its 95 % interval.
    pub(crate) quality: Option<QualityReport>,
    /// Time of an answer.
    pub(crate) latency_ms: Option<Latency>,
    /// Mean over the answers whose cost is known.
    pub(crate) cost_usd_per_answer: Option<f64>,
    /// Questions without an answer.
    pub(crate) failures: usize,
    /// Each evaluator over all questions.
    pub(crate) evaluators: Vec<EvaluatorSummary>,
    /// The experiment's page in Langfuse.
    pub(crate) experiment_url: Option<String>,
    /// What could not be shown in Langfuse.
    pub(crate) publish_error: Option<String>,
    /// The experiment's name in Langfuse.
    pub(crate) run_name: String,
}

/// Mean quality with its 95 % interval.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct QualityReport {
    pub(crate) mean: f64,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) n: usize,
}

/// Time of an answer in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

/// What to run.
#[derive(Debug, Serialize)]
pub(crate) struct Recommendation {
    /// The candidate's id.
    pub(crate) candidate: String,
    /// What to write into `agent/hyperparams.toml`.
    pub(crate) hyperparameters: Hyperparameters,
    /// Why this one, in a sentence.
    pub(crate) reason: String,
    /// How sure that is, in sentences.
    pub(crate) uncertainty: String,
    /// The numbers behind both.
    pub(crate) ranking: Ranking,
}

/// When and where a study ran.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The study's id.
    pub(crate) study: String,
    /// The environment.
    pub(crate) environment: String,
    /// RFC 3339, UTC.
    pub(crate) started_at: String,
    /// RFC 3339, UTC.
    pub(crate) finished_at: String,
}

impl Report {
    /// Sums up the outcomes and ranks the candidates that were scored.
    pub(crate) fn new(plan: &Plan, frame: Frame, outcomes: &[Outcome], files: Files) -> Self {
        let mut candidates: Vec<_> = outcomes
            .iter()
            .map(|outcome| CandidateReport::new(outcome, plan.dataset.cases.len()))
            .collect();
        let measured: Vec<_> = outcomes.iter().filter_map(measured).collect();
        let ranking = ranking::rank(&measured, plan.file.objective.quality_margin);
        let place = |candidate: &CandidateReport| {
            let standings = ranking.iter().flat_map(|ranking| &ranking.standings);
            standings
                .into_iter()
                .position(|standing| standing.candidate == candidate.id)
                .unwrap_or(usize::MAX)
        };
        candidates.sort_by_key(place);
        let recommendation = ranking.map(|ranking| Recommendation::new(ranking, &candidates));
        let simulated = candidates.iter().any(CandidateReport::is_simulated);
        Self {
            version: VERSION,
            study: frame.study,
            name: plan.file.name.clone(),
            environment: frame.environment,
            started_at: frame.started_at,
            finished_at: frame.finished_at,
            dataset: DatasetSummary {
                name: plan.dataset.name.clone(),
                hash: plan.dataset.hash.clone(),
                cases: plan.dataset.cases.len(),
            },
            candidates,
            recommendation,
            simulated,
            reports: files,
        }
    }

    /// Whether anything in it needs a look: a candidate or a question that failed, or results not in Langfuse.
    pub(crate) fn is_partial(&self) -> bool {
        self.candidates.iter().any(|candidate| {
            candidate.state == "failed"
                || candidate.scored < candidate.planned
                || candidate.publish_error.is_some()
        })
    }

    /// The recommended candidate.
    pub(crate) fn recommended(&self) -> Option<&CandidateReport> {
        let id = &self.recommendation.as_ref()?.candidate;
        self.candidates.iter().find(|candidate| &candidate.id == id)
    }

    /// Said wherever the numbers are shown.
    pub(crate) fn simulated_note(&self) -> Option<&'static str> {
        self.simulated.then_some(
            "Simulated: the models of this study are played by the emulator. Quality, latency and cost show how the \
             study works and say nothing about real models.",
        )
    }

    /// Writes the three files, each complete or not at all, and points `latest` to this study.
    pub(crate) fn write(
        &self,
        plan: &Plan,
        outcomes: &[Outcome],
        paths: &Paths,
    ) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (file, text) in [
            (
                &self.reports.markdown,
                markdown::markdown(self, plan, outcomes),
            ),
            (&self.reports.html, html::html(self, plan, outcomes)),
            (&self.reports.json, json),
        ] {
            replace(&paths.root.join(file), &text)?;
        }
        replace(
            &studies_dir(paths).join("latest"),
            &format!("{}\n", self.study),
        )
    }
}

impl CandidateReport {
    fn new(outcome: &Outcome, planned: usize) -> Self {
        let result = outcome.result();
        let (state, reason) = match &outcome.state {
            State::Complete(_) => ("complete", None),
            State::Failed(reason) => ("failed", Some(reason.clone())),
        };
        let quality = result
            .map(|result| result.quality())
            .filter(|quality| quality.n > 0);
        let latency = result.and_then(|result| result.latency_ms(0.5).zip(result.latency_ms(0.95)));
        Self {
            id: outcome.candidate.id.clone(),
            label: outcome.candidate.label(),
            varied: outcome.candidate.varied.clone(),
            hyperparameters: outcome.candidate.hyperparameters.clone(),
            state,
            reason,
            planned,
            scored: result.map_or(0, |result| result.scored()),
            quality: quality.map(|q| QualityReport {
                mean: q.mean,
                low: q.lo,
                high: q.hi,
                n: q.n,
            }),
            latency_ms: latency.map(|(p50, p95)| Latency { p50, p95 }),
            cost_usd_per_answer: result.and_then(|result| result.cost_per_answer_usd()),
            failures: result.map_or(0, |result| result.failures()),
            evaluators: result.map(|result| result.summaries()).unwrap_or_default(),
            experiment_url: result.and_then(|result| result.experiment_url.clone()),
            publish_error: result.and_then(|result| result.publish_error.clone()),
            run_name: outcome.run_name.clone(),
        }
    }

    fn is_simulated(&self) -> bool {
        self.hyperparameters
            .get("model_id")
            .and_then(Value::as_str)
            .is_some_and(|model| model.starts_with(SIMULATED))
    }
}

impl Recommendation {
    fn new(ranking: Ranking, candidates: &[CandidateReport]) -> Self {
        let recommended = candidates
            .iter()
            .find(|candidate| candidate.id == ranking.recommended);
        Self {
            candidate: ranking.recommended.clone(),
            hyperparameters: recommended
                .map(|candidate| candidate.hyperparameters.clone())
                .unwrap_or_default(),
            reason: wording::reason(&ranking, candidates),
            uncertainty: wording::uncertainty(&ranking),
            ranking,
        }
    }
}

fn measured(outcome: &Outcome) -> Option<Measured> {
    let result = outcome.result()?;
    let quality = result.quality_by_case();
    Some(Measured {
        id: outcome.candidate.id.clone(),
        quality: quality
            .into_iter()
            .map(|(case, quality)| (case.to_owned(), quality))
            .collect(),
        cost_usd: result.cost_per_answer_usd(),
        latency_ms_p95: result.latency_ms(0.95),
    })
    .filter(|measured: &Measured| !measured.quality.is_empty())
}

/// Where the studies lie.
pub(crate) fn studies_dir(paths: &Paths) -> PathBuf {
    paths.state().join("studies")
}

/// The names of a study's reports.
pub(crate) fn files(paths: &Paths, study: &str) -> Files {
    let dir = studies_dir(paths).join(study);
    let file = |name: &str| paths.shown(&dir.join(name));
    Files {
        markdown: file("report.md"),
        html: file("report.html"),
        json: file("report.json"),
    }
}

/// A reader sees the old file or the new one, never a half.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let dir = path.parent().unwrap_or(path);
        std::fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("write {}", path.display()))
}

//! The one place that writes to the terminal: data to stdout, everything else to stderr.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// What a command's report looks like on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables and sentences for people.
    Human,
    /// One JSON document for machines.
    Json,
}

/// Writes to the terminal; cheap to clone, every clone shares the progress area.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    format: Format,
    bars: MultiProgress,
    terminal: bool,
}

impl Console {
    /// A console for stdout and stderr of this process.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            bars: MultiProgress::new(),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// The format the user asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Whether progress is shown as a bar.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Prints the command's result to stdout. A reader that went away (`| head`) is not an error.
    pub(crate) fn data(&self, text: &str) {
        self.bars.suspend(|| {
            let mut stdout = std::io::stdout().lock();
            _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
        });
    }

    /// Tells the user something on stderr, above a progress bar if one is shown.
    pub(crate) fn note(&self, text: &str) {
        self.bars.suspend(|| {
            _ = writeln!(std::io::stderr().lock(), "{text}");
        });
    }

    /// Shows progress towards `total` steps: a bar on a terminal, otherwise a plain line every tenth.
    pub(crate) fn progress(&self, label: &str, total: u64) -> Progress {
        let bar = self.terminal.then(|| {
            let bar = self.bars.add(ProgressBar::new(total));
            bar.set_style(
                ProgressStyle::with_template(
                    "{prefix} [{bar:24}] {pos}/{len} {elapsed} {wide_msg}",
                )
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
            );
            bar.set_prefix(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Progress {
            console: self.clone(),
            label: label.to_owned(),
            total,
            done: AtomicU64::new(0),
            bar,
        }
    }
}

/// Progress of one piece of work; shared by reference between the tasks that do it.
#[derive(Debug)]
pub(crate) struct Progress {
    console: Console,
    label: String,
    total: u64,
    done: AtomicU64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Counts `steps` more as done.
    pub(crate) fn advance(&self, steps: u64) {
        let before = self.done.fetch_add(steps, Ordering::Relaxed);
        match &self.bar {
            Some(bar) => bar.inc(steps),
            None if crossed_a_tenth(before, before + steps, self.total) => {
                self.console
                    .note(&format!("{} {}/{}", self.label, before + steps, self.total));
            }
            None => {}
        }
    }

    /// Takes so many steps as done before this piece of work began.
    pub(crate) fn skip(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_position(steps);
            bar.reset_eta();
        }
    }

    /// Says what is happening beside the bar; plain output has its own lines for that.
    pub(crate) fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn crossed_a_tenth(before: u64, after: u64, total: u64) -> bool {
    let tenth = |done: u64| (done.min(total) * 10).checked_div(total);
    tenth(after) > tenth(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_progress_speaks_ten_times() {
        let lines = (0..360)
            .filter(|&done| crossed_a_tenth(done, done + 1, 360))
            .count();
        assert_eq!(lines, 10);
        assert!(!crossed_a_tenth(0, 1, 0));
    }
}

//! The e-process of S7 under peeking after every question.

use eval_suite::stats::paired_binary::mid_p_worse;
use eval_suite::stats::random::SplitMix64;
use eval_suite::stats::sequential::EProcess;

use crate::support::rate;

const QUESTIONS: usize = 100;
/// Share of questions on which equal agents differ.
const DISCORDANCE: f64 = 0.3;
const ALPHA: f64 = 0.05;

#[test]
#[ignore = "slow"]
fn peeking_does_not_inflate_the_e_process() {
    const RUNS: usize = 20_000;
    let mut random = SplitMix64::new(6);
    let (mut stopped, mut peeked, mut looked_once) = (0, 0, 0);
    for _ in 0..RUNS {
        let mut process = EProcess::new(ALPHA).unwrap();
        let mut mid_p_stopped = false;
        for question in 1..=QUESTIONS {
            let difference = match random.unit() {
                u if u < DISCORDANCE / 2.0 => -1.0,
                u if u < DISCORDANCE => 1.0,
                _ => 0.0,
            };
            process.observe(difference);
            if question % 5 == 0 {
                let (wins, losses) = process.wins_and_losses();
                mid_p_stopped |= mid_p_worse(wins, losses) <= ALPHA;
            }
        }
        let (wins, losses) = process.wins_and_losses();
        stopped += usize::from(process.stopped_at().is_some());
        peeked += usize::from(mid_p_stopped);
        looked_once += usize::from(mid_p_worse(wins, losses) <= ALPHA);
    }
    let stopped = rate("e-process, looking after every question", stopped, RUNS);
    let peeked = rate(
        "mid-p test, looking after every fifth (wrong)",
        peeked,
        RUNS,
    );
    let once = rate("mid-p test, one look", looked_once, RUNS);
    assert!(stopped <= ALPHA, "{stopped}");
    assert!(
        peeked > 0.12,
        "peeking inflates a fixed-sample test: {peeked}"
    );
    assert!(once <= 0.06, "{once}");
}

#[test]
#[ignore = "slow"]
fn a_broken_agent_is_stopped_early() {
    const RUNS: usize = 1_000;
    let mut random = SplitMix64::new(7);
    let mut at = Vec::new();
    for _ in 0..RUNS {
        let mut process = EProcess::new(ALPHA).unwrap();
        for _ in 0..QUESTIONS {
            // Loses four of five questions the old agent answered.
            process.observe(if random.chance(0.8) { -1.0 } else { 0.0 });
        }
        at.extend(process.stopped_at());
    }
    let mean = at.iter().sum::<usize>() as f64 / at.len() as f64;
    let stopped = rate("e-process stops a broken agent", at.len(), RUNS);
    eprintln!("after {mean:.1} questions on average");
    assert!(stopped > 0.999 && mean < 12.0, "{stopped} {mean}");
}

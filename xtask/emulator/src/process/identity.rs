//! Tells a process from a later one that was given the same id.

use std::process::{Command, Stdio};

/// When the process with this id was started, as text that only it has; `None` when there is none.
///
/// The executable's path would not do: `exec` changes it, and two agents share it.
pub fn identity(pid: u32) -> Option<String> {
    if let Ok(boot) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return parse_stat(&stat).map(|start| format!("{}/{start}", boot.trim()));
    }
    let output = Command::new("ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The start time in clock ticks since boot: field 22 of `proc(5)`'s stat line. A zombie has ended,
/// whoever has yet to collect it. The second field, the name, may hold spaces and parentheses.
fn parse_stat(stat: &str) -> Option<&str> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 99 100";
        assert_eq!(parse_stat(line), Some("987654"));
    }

    #[test]
    fn a_zombie_is_nobody() {
        assert_eq!(
            parse_stat("42 (sh) Z 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 99 100"),
            None
        );
    }

    #[test]
    fn this_process_has_one_and_keeps_it() {
        let own = identity(std::process::id());
        assert!(own.is_some());
        assert_eq!(identity(std::process::id()), own);
    }
}

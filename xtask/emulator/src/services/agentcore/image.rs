//! `containerUri`: where a runtime's image lies.

/// A container URI, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// `{account}.dkr.ecr.{region}.amazonaws.com` or `public.ecr.aws`.
    pub host: String,
    /// Repository name.
    pub repository: String,
    /// Tag; absent when only a digest was given, `latest` when neither was.
    pub tag: Option<String>,
    /// Digest.
    pub digest: Option<String>,
}

/// The pattern that AWS prints when a URI breaks it.
pub const PATTERN: &str = r"(([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?|public\.ecr\.aws)/((?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*)(?::([^:@]{1,300}))?(?:@(.+))?";

impl ImageReference {
    /// Takes a URI apart; `None` when it breaks [`PATTERN`] or is longer than 1024 characters.
    pub fn parse(uri: &str) -> Option<Self> {
        if uri.len() > 1024 {
            return None;
        }
        let (host, rest) = uri.split_once('/')?;
        let (rest, digest) = match rest.split_once('@') {
            Some((_, "")) => return None,
            Some((rest, digest)) => (rest, Some(digest)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| tag.is_empty() || tag.chars().count() > 300 || tag.contains(':')) {
            return None;
        }
        if !is_host(host) || !repository.split('/').all(is_part) {
            return None;
        }
        let tag = tag.or(if digest.is_none() {
            Some("latest")
        } else {
            None
        });
        Some(Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

fn is_host(host: &str) -> bool {
    if host == "public.ecr.aws" {
        return true;
    }
    let Some((account, rest)) = host.split_once(".dkr.ecr.") else {
        return false;
    };
    let region = rest
        .strip_suffix(".cn")
        .unwrap_or(rest)
        .strip_suffix(".amazonaws.com");
    account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && region.is_some_and(|region| {
            !region.is_empty()
                && region
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        })
}

/// `[a-z0-9]+(?:[._-][a-z0-9]+)*`: words with single separators between them.
fn is_part(part: &str) -> bool {
    part.split(['.', '_', '-']).all(|word| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    #[test]
    fn parts() {
        let check = |tail: &str, repository: &str, tag: Option<&str>, digest: Option<&str>| {
            let parsed = ImageReference::parse(&format!("{HOST}/{tail}")).unwrap();
            assert_eq!(
                (
                    parsed.repository.as_str(),
                    parsed.tag.as_deref(),
                    parsed.digest.as_deref()
                ),
                (repository, tag, digest),
                "{tail}"
            );
        };
        check("agent", "agent", Some("latest"), None);
        check("team/agent:v1", "team/agent", Some("v1"), None);
        check("agent@sha256:00", "agent", None, Some("sha256:00"));
        check("agent:v1@sha256:00", "agent", Some("v1"), Some("sha256:00"));
        assert!(ImageReference::parse("public.ecr.aws/x/y:1").is_some());
        assert!(
            ImageReference::parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/x").is_some()
        );
    }

    #[test]
    fn what_breaks_the_pattern() {
        for bad in [
            "agent:v1".to_owned(),
            "127.0.0.1:5000/agent:v1".to_owned(),
            "docker.io/library/agent".to_owned(),
            "12345.dkr.ecr.us-east-1.amazonaws.com/agent".to_owned(),
            format!("{HOST}/Agent"),
            format!("{HOST}/a--b"),
            format!("{HOST}/a//b"),
            format!("{HOST}/agent:"),
            format!("{HOST}/agent:a:b"),
            format!("{HOST}/agent@"),
            format!("{HOST}/"),
        ] {
            assert!(ImageReference::parse(&bad).is_none(), "{bad}");
        }
    }
}

//! AWS Signature Version 4 for the one kind of request this function sends: POST, no query, a short body.
//!
//! Steps and names as in "Create a signed AWS API request" of the IAM user guide.

use time::{OffsetDateTime, macros::format_description};

use crate::{
    config::AwsCredentials,
    digest::{hex, hmac_sha256, sha256_hex},
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A request to sign.
#[derive(Debug, Clone)]
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    /// Must need no percent-encoding.
    pub(super) path: &'a str,
    /// Already in canonical form; empty here, but not in AWS's published example.
    pub(super) query: &'a str,
    /// Names in lower case; what is sent must be exactly these values. `x-amz-date` is added.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: &'a str,
}

/// The headers to send: those given, and the three that carry the signature.
pub(super) fn signed_headers(
    request: Unsigned<'_>,
    credentials: &AwsCredentials,
    region: &str,
    service: &str,
    now: OffsetDateTime,
) -> Vec<(&'static str, String)> {
    let day = now.format(format_description!("[year][month][day]"));
    let day = day.unwrap_or_default();
    let time = now.format(format_description!("[hour][minute][second]"));
    let timestamp = format!("{day}T{}Z", time.unwrap_or_default());

    let mut headers = request.headers;
    headers.push(("x-amz-date", timestamp.clone()));
    if let Some(token) = &credentials.session_token {
        headers.push(("x-amz-security-token", token.expose().to_owned()));
    }
    headers.sort_unstable();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let canonical_headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let canonical_request = format!(
        "{}\n{}\n{}\n{canonical_headers}\n{names}\n{}",
        request.method,
        request.path,
        request.query,
        sha256_hex(request.body.as_bytes()),
    );

    let scope = format!("{day}/{region}/{service}/aws4_request");
    let string_to_sign = format!(
        "{ALGORITHM}\n{timestamp}\n{scope}\n{}",
        sha256_hex(canonical_request.as_bytes())
    );
    let secret = format!("AWS4{}", credentials.secret_access_key.expose());
    let key = [day.as_str(), region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| {
            hmac_sha256(&key, part).as_ref().to_vec()
        });
    let signature = hex(hmac_sha256(&key, &string_to_sign).as_ref());
    headers.push((
        "authorization",
        format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.access_key_id
        ),
    ));
    headers
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4,
    };
    use time::macros::datetime;

    use super::*;
    use crate::config::Secret;

    fn credentials(token: Option<&str>) -> AwsCredentials {
        AwsCredentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: token.map(Secret::new),
        }
    }

    fn authorization(headers: &[(&str, String)]) -> String {
        let found = headers.iter().find(|(name, _)| *name == "authorization");
        found.unwrap().1.clone()
    }

    #[test]
    fn the_published_example() {
        let request = Unsigned {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: vec![
                ("host", "iam.amazonaws.com".to_owned()),
                (
                    "content-type",
                    "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
                ),
            ],
            body: "",
        };
        let now = datetime!(2015-08-30 12:36:00 UTC);
        let headers = signed_headers(request, &credentials(None), "us-east-1", "iam", now);
        let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert!(
            authorization(&headers).ends_with(signature),
            "{}",
            authorization(&headers)
        );
    }

    /// AWS's own signer, on the request that [`super::super::SecretsManager`] sends.
    #[test]
    fn the_sdk_signs_alike() {
        let bodies = [
            "",
            r#"{"SecretId":"flywheel/sap"}"#,
            r#"{"SecretId":"arn:aws:secretsmanager:x:1:secret:y"}"#,
        ];
        for (body, token, path) in bodies
            .into_iter()
            .flat_map(|body| [None, Some("a+b/c==")].map(|token| (body, token)))
            .flat_map(|(body, token)| ["/", "/secretsmanager/"].map(|path| (body, token, path)))
        {
            let host = "secretsmanager.eu-central-1.amazonaws.com";
            let headers = vec![
                ("host", host.to_owned()),
                ("content-type", "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target", "secretsmanager.GetSecretValue".to_owned()),
            ];
            let now = datetime!(2026-11-22 01:02:03 UTC);
            let ours = signed_headers(
                Unsigned {
                    method: "POST",
                    path,
                    query: "",
                    headers: headers.clone(),
                    body,
                },
                &credentials(token),
                "eu-central-1",
                "secretsmanager",
                now,
            );

            let identity = aws_credential_types::Credentials::new(
                "AKIDEXAMPLE",
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                token.map(str::to_owned),
                None,
                "test",
            )
            .into();
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region("eu-central-1")
                .name("secretsmanager")
                .time(SystemTime::from(now))
                .settings(SigningSettings::default())
                .build()
                .unwrap()
                .into();
            let url = format!("https://{host}{path}");
            let pairs = headers.iter().map(|(name, value)| (*name, value.as_str()));
            let request =
                SignableRequest::new("POST", url, pairs, SignableBody::Bytes(body.as_bytes()))
                    .unwrap();
            let (instructions, _) = sign(request, &parameters).unwrap().into_parts();
            let theirs = instructions
                .headers()
                .find(|(name, _)| *name == "authorization")
                .unwrap()
                .1;
            assert_eq!(authorization(&ours), theirs, "{path} {body} {token:?}");
        }
    }
}

//! Contract tests: every service through the client its users have, the AWS ones through the AWS SDK.
#![expect(clippy::unwrap_used, reason = "tests")]

mod agentcore;
mod attack;
mod bedrock_runtime;
mod cognito;
mod ecr;
mod function;
mod gateway;
mod golden_facts;
mod image;
mod lambda;
mod langfuse;
mod lifecycle;
mod logs;
mod registry;
mod sap;
mod secretsmanager;
mod ssm;
mod sts;
mod sums;
mod support;

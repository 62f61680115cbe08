use clap::Args;
use std::process::ExitCode;
#[derive(Args, Debug)]
pub(super) struct DoctorArgs { }
pub(super) fn run(_args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}

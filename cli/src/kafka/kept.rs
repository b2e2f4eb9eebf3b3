//! The cluster that stays, in words.

use crate::error::CliError;
use crate::progress;
use plimsoll_chaos::KeptCluster;
use std::fmt::Write as _;

/// Starts the cluster that stays, and says where it is.
///
/// # Errors
/// Where the environment lacks something.
pub(crate) fn up() -> Result<String, CliError> {
    let waiting = progress::waiting("starting a Kafka cluster");
    let up = KeptCluster::up();
    waiting.finish_and_clear();
    let (cluster, is_new) = up?;
    let what = match is_new {
        true => "A Kafka cluster is up:",
        false => "The Kafka cluster is up already:",
    };
    Ok(format!(
        "{what}\n{}Runs with `--backend kafka` use it. `plimsoll cluster down` removes it.\n",
        described(&cluster)
    ))
}

/// Removes the cluster that stays.
///
/// # Errors
/// Where a run uses it, and where the engine does not answer.
pub(crate) fn down() -> Result<String, CliError> {
    let text = match KeptCluster::down()? {
        true => "The Kafka cluster is removed.\n",
        false => "There is no Kafka cluster to remove.\n",
    };
    Ok(text.into())
}

/// Says what is known of the cluster that stays, and returns whether runs can use it.
///
/// # Errors
/// Where the engine does not answer.
pub(crate) fn status() -> Result<(String, bool), CliError> {
    let Some(cluster) = KeptCluster::look()? else {
        let text = "There is no Kafka cluster; `plimsoll cluster up` starts one.\n";
        return Ok((text.into(), false));
    };
    let verdict = match (&cluster.unfit, cluster.in_use, cluster.is_well()) {
        (Some(why), _, _) => {
            format!("Runs refuse it: {why}. `plimsoll cluster down` removes it.")
        }
        (None, true, _) => "A run uses it.".into(),
        (None, false, true) => "The next run uses it.".into(),
        (None, false, false) => "`plimsoll cluster up`, or the next run, brings it back.".into(),
    };
    let text = format!("The Kafka cluster:\n{}{verdict}\n", described(&cluster));
    Ok((text, cluster.unfit.is_none()))
}

fn described(cluster: &KeptCluster) -> String {
    let mut text = String::new();
    for (index, (address, state)) in cluster.brokers.iter().enumerate() {
        writeln!(text, "  broker {index}  {address}  {state}").expect("writing to a string");
    }
    writeln!(text, "  image     {}", cluster.image).expect("writing to a string");
    text
}

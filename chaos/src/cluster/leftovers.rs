//! Topics and groups that interrupted runs left on a cluster that stays.

use super::cleanup;
use crate::admin::Admin;
use crate::error::ChaosError;
use crate::names;

/// Deletes them. What has a name of another kind is not ours, and what belongs to a process that
/// lives is in use.
pub(super) async fn remove(admin: &Admin) -> Result<(), ChaosError> {
    let is_left = |name: &String| names::run_of(name).is_some_and(cleanup::is_dead);
    let groups: Vec<String> = admin.groups().await?.into_iter().filter(is_left).collect();
    for group in &groups {
        admin.delete_group(group).await?;
    }
    let topics: Vec<String> = admin.topics().await?.into_iter().filter(is_left).collect();
    if !topics.is_empty() {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        admin.delete_topics(&names).await?;
    }
    if !(topics.is_empty() && groups.is_empty()) {
        tracing::info!(
            "removed {} topics and {} groups, which interrupted runs had left",
            topics.len(),
            groups.len()
        );
    }
    Ok(())
}

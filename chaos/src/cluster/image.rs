//! The choice of the Kafka image that the brokers run.

use crate::error::ChaosError;
use bollard::Docker;
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder};
use futures_util::TryStreamExt as _;
use std::collections::HashMap;
use std::env;
use std::time::Duration;
use tokio::time::timeout;

/// The official image, in the version that `chaos/image/build` builds too.
const OFFICIAL: &str = "apache/kafka:4.3.1";
/// The label that `chaos/image/build` puts on its images.
const LOCAL_LABEL: &str = "org.plimsoll.kafka-image";
/// The time limit for the engine to pull an image.
const PULL: Duration = Duration::from_secs(900);
/// The environment variable that overrides the choice.
const VARIABLE: &str = "PLIMSOLL_KAFKA_IMAGE";

/// An image by name, and whether the engine has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// The name, perhaps with a tag or a digest.
    reference: String,
    /// Whether the engine has it; if not, it has to be pulled first.
    pub(super) present: bool,
}

impl Image {
    /// Returns the reference, with the tag that it means where it has none.
    pub(super) fn reference(&self) -> String {
        match self.reference.rsplit_once(':') {
            // A colon before a slash belongs to the registry's port.
            Some((_, tag)) if !tag.contains('/') => self.reference.clone(),
            _ => format!("{}:latest", self.reference),
        }
    }

    /// Returns the id of what the name means now; empty where the engine does not have it.
    pub(super) async fn id(&self, docker: &Docker) -> String {
        let found = docker.inspect_image(&self.reference()).await;
        found.ok().and_then(|image| image.id).unwrap_or_default()
    }

    /// Pulls the image, if the engine does not have it.
    pub(super) async fn fetch(&self, docker: &Docker) -> Result<(), ChaosError> {
        if self.present {
            return Ok(());
        }
        let pulled = timeout(PULL, self.pull(docker)).await;
        pulled.unwrap_or_else(|_| Err(self.missing("it takes too long to pull")))
    }

    /// Pulls the image.
    async fn pull(&self, docker: &Docker) -> Result<(), ChaosError> {
        let options = CreateImageOptionsBuilder::new().from_image(&self.reference());
        let mut progress = docker.create_image(Some(options.build()), None, None);
        loop {
            match progress.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.missing(&error.to_string())),
            }
        }
    }

    /// Makes the error for an image that is not there and cannot be pulled.
    pub(super) fn missing(&self, why: &str) -> ChaosError {
        ChaosError::Environment(format!(
            "the image {} is not there ({why}): run chaos/image/build to build one without a \
             registry, or name another in {VARIABLE}",
            self.reference
        ))
    }
}

/// Chooses the image that the environment names; else the official one if it is there; else the one
/// that was built here; else the official one, to be pulled.
///
/// The local one comes before a pull because it was built for want of a registry, and a registry
/// that does not answer takes its time.
pub(super) async fn choose(docker: &Docker) -> Result<Image, ChaosError> {
    if let Ok(reference) = env::var(VARIABLE)
        && !reference.trim().is_empty()
    {
        return Ok(image(docker, reference.trim()).await);
    }
    let official = image(docker, OFFICIAL).await;
    if official.present {
        return Ok(official);
    }
    Ok(built_here(docker).await?.unwrap_or(official))
}

async fn image(docker: &Docker, reference: &str) -> Image {
    Image {
        reference: reference.to_owned(),
        present: docker.inspect_image(reference).await.is_ok(),
    }
}

/// Finds the newest image that `chaos/image/build` has built.
async fn built_here(docker: &Docker) -> Result<Option<Image>, ChaosError> {
    let filters = HashMap::from([("label", vec![LOCAL_LABEL])]);
    let options = ListImagesOptionsBuilder::new().filters(&filters).build();
    let images = docker.list_images(Some(options)).await.map_err(|error| {
        ChaosError::Environment(format!("Docker does not list its images: {error}"))
    })?;
    Ok(images
        .into_iter()
        .filter(|image| !image.repo_tags.is_empty())
        .max_by_key(|image| image.created)
        .and_then(|image| image.repo_tags.into_iter().next())
        .map(|reference| Image {
            reference,
            present: true,
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_name_and_a_tag() {
        let complete = |reference: &str| {
            let image = Image {
                reference: reference.into(),
                present: false,
            };
            image.reference()
        };
        assert_eq!(complete("apache/kafka:4.3.1"), "apache/kafka:4.3.1");
        assert_eq!(complete("apache/kafka"), "apache/kafka:latest");
        assert_eq!(complete("host:5000/kafka"), "host:5000/kafka:latest");
        assert_eq!(complete("kafka@sha256:ab"), "kafka@sha256:ab");
    }
}

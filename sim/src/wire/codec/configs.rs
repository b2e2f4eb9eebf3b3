//! Settings, told and changed.

use super::{Context, Plan, body};
use crate::wire::names::broker_node;
use crate::wire::settings::{
    BrokerSetting, Change, Setting, Source, TOPIC, TopicSettings, changed,
};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse as Altered;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::incremental_alter_configs_response as incremental;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::protocol::StrBytes;

/// Kinds of what has settings (`ConfigResource.Type`).
const TOPICS: i8 = 2;
const BROKERS: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUPS: i8 = 32;

impl Context<'_, '_> {
    /// Tells settings (`ConfigHelper.describeConfigs`).
    pub(super) fn describe_configs(&mut self, request: kafka::DescribeConfigsRequest) -> Plan {
        let synonyms = request.include_synonyms;
        let results = request.resources.into_iter().map(|resource| {
            let described = self.described(&resource, synonyms);
            let code = described.as_ref().err().map_or(0, |error| error.code());
            let mut configs = described.unwrap_or_default();
            let wanted = resource.configuration_keys.unwrap_or_default();
            configs.retain(|config| wanted.is_empty() || wanted.contains(&config.name));
            DescribeConfigsResult::default()
                .with_error_code(code)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
                .with_configs(configs)
        });
        let response = kafka::DescribeConfigsResponse::default().with_results(results.collect());
        Plan::answer(body(&response, self.version))
    }

    fn described(
        &self,
        resource: &DescribeConfigsResource,
        synonyms: bool,
    ) -> Result<Vec<DescribeConfigsResourceResult>, ResponseError> {
        let name = &*resource.resource_name;
        match resource.resource_type {
            TOPICS => {
                let settings = self.names.settings.get(name);
                let settings = settings.ok_or(ResponseError::UnknownTopicOrPartition)?;
                let told = TOPIC.iter();
                let told = told.map(|setting| {
                    let default = self.names.default_of(setting);
                    of_topic(setting, default, settings, synonyms)
                });
                Ok(told.collect())
            }
            // A broker answers for itself alone.
            BROKERS if self.is_asked(name) => {
                let rack = self.names.rack(self.at.state.node());
                let rack = rack.map(|rack| BrokerSetting::rack(rack));
                let settings = self.names.broker_settings.iter().chain(&rack);
                Ok(settings
                    .map(|setting| of_broker(setting, synonyms))
                    .collect())
            }
            _ => Err(ResponseError::InvalidRequest),
        }
    }

    /// Returns whether a name is the number of the broker that is asked.
    fn is_asked(&self, name: &str) -> bool {
        let id = name.parse::<i32>().ok();
        let node = id.and_then(|id| broker_node(id.into(), self.names.placement.brokers));
        node == Some(self.at.state.node())
    }

    /// Replaces all settings: what is not named goes back to its default.
    pub(super) fn alter_configs(&mut self, request: kafka::AlterConfigsRequest) -> Plan {
        let responses = request.resources.into_iter().map(|resource| {
            let configs = resource.configs.iter();
            let changes: Vec<_> = configs
                .map(|config| Change::set(&config.name, config.value.as_deref()))
                .collect();
            let of = (resource.resource_type, &*resource.resource_name);
            let code = self.alter(of, &changes, true, request.validate_only);
            Altered::default()
                .with_error_code(code)
                .with_error_message(None)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
        });
        let response = kafka::AlterConfigsResponse::default().with_responses(responses.collect());
        Plan::answer(body(&response, self.version))
    }

    /// Changes the settings that are named (KIP-339).
    pub(super) fn incremental_alter_configs(
        &mut self,
        request: kafka::IncrementalAlterConfigsRequest,
    ) -> Plan {
        let responses = request.resources.into_iter().map(|resource| {
            let configs = resource.configs.iter();
            let changes: Vec<_> = configs
                .map(|config| Change {
                    name: &config.name,
                    operation: config.config_operation,
                    value: config.value.as_deref(),
                })
                .collect();
            let of = (resource.resource_type, &*resource.resource_name);
            let code = self.alter(of, &changes, false, request.validate_only);
            incremental::AlterConfigsResourceResponse::default()
                .with_error_code(code)
                .with_error_message(None)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name)
        });
        let response =
            kafka::IncrementalAlterConfigsResponse::default().with_responses(responses.collect());
        Plan::answer(body(&response, self.version))
    }

    /// Changes settings of something. Returns Kafka's code of the error.
    fn alter(
        &mut self,
        (kind, name): (i8, &str),
        changes: &[Change<'_>],
        replaces: bool,
        validate_only: bool,
    ) -> i16 {
        let altered = match kind {
            TOPICS => self.alter_topic(name, changes, replaces, validate_only),
            // None can be changed while a broker runs (`DynamicBrokerConfig.validateConfigs`).
            BROKERS => Err(ResponseError::InvalidConfig),
            _ => Err(ResponseError::InvalidRequest),
        };
        altered.err().map_or(0, |error| error.code())
    }

    fn alter_topic(
        &mut self,
        name: &str,
        changes: &[Change<'_>],
        replaces: bool,
        validate_only: bool,
    ) -> Result<(), ResponseError> {
        let settings = self.names.settings.get_mut(name);
        let settings = settings.ok_or(ResponseError::UnknownTopicOrPartition)?;
        let none = TopicSettings::new();
        let before = if replaces { &none } else { &*settings };
        let after = changed(before, changes)?;
        if !validate_only {
            *settings = after;
            self.names.apply_settings(name, self.at.shared);
        }
        Ok(())
    }

    /// Tells what has settings (KIP-1142; `KafkaApis.handleListConfigResources`). Of client metrics
    /// and of groups none are set.
    pub(super) fn list_config_resources(
        &mut self,
        request: kafka::ListConfigResourcesRequest,
    ) -> Plan {
        let asked = match (self.version, &request.resource_types[..]) {
            // Version 0 is ListClientMetricsResources.
            (0, _) => vec![CLIENT_METRICS],
            (_, []) => vec![TOPICS, BROKERS, CLIENT_METRICS, GROUPS],
            (_, asked) => asked.to_vec(),
        };
        let is_known = |kind: &i8| [TOPICS, BROKERS, CLIENT_METRICS, GROUPS].contains(kind);
        let response = kafka::ListConfigResourcesResponse::default();
        if !asked.iter().all(is_known) {
            let response = response.with_error_code(ResponseError::UnsupportedVersion.code());
            return Plan::answer(body(&response, self.version));
        }
        let resource = |name: StrBytes, kind| {
            ConfigResource::default()
                .with_resource_name(name)
                .with_resource_type(kind)
        };
        let mut resources = Vec::new();
        if asked.contains(&TOPICS) {
            let topics = self.names.settings.keys();
            resources.extend(topics.map(|name| resource(name.clone().into(), TOPICS)));
        }
        if asked.contains(&BROKERS) {
            let brokers = 1..=self.names.placement.brokers;
            resources.extend(brokers.map(|id| resource(id.to_string().into(), BROKERS)));
        }
        let response = response.with_config_resources(resources);
        Plan::answer(body(&response, self.version))
    }
}

/// Describes a setting of a broker.
fn of_broker(setting: &BrokerSetting, with_synonyms: bool) -> DescribeConfigsResourceResult {
    let name = StrBytes::from_static_str(setting.name);
    let value = Some(StrBytes::from(setting.value.clone()));
    let synonym = DescribeConfigsSynonym::default()
        .with_name(name.clone())
        .with_value(value.clone())
        .with_source(setting.source as i8);
    DescribeConfigsResourceResult::default()
        .with_name(name)
        .with_value(value)
        .with_read_only(true)
        .with_config_source(setting.source as i8)
        .with_config_type(setting.kind as i8)
        .with_synonyms(with_synonyms.then_some(synonym).into_iter().collect())
}

/// Describes a setting of a topic.
fn of_topic(
    setting: &Setting,
    (default, of_default): (StrBytes, Source),
    set: &TopicSettings,
    with_synonyms: bool,
) -> DescribeConfigsResourceResult {
    let own = set.get(setting.name);
    let value = own.map_or(default.clone(), |own| own.clone().into());
    let source = match own {
        Some(_) => Source::Topic,
        None => of_default,
    };
    let mut synonyms = Vec::new();
    if with_synonyms {
        synonyms.extend(own.map(|own| {
            DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_static_str(setting.name))
                .with_value(Some(own.clone().into()))
                .with_source(Source::Topic as i8)
        }));
        let of_broker = Some(setting.of_broker).filter(|name| !name.is_empty());
        synonyms.extend(of_broker.map(|name| {
            DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_static_str(name))
                .with_value(Some(default))
                .with_source(of_default as i8)
        }));
    }
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(Some(value))
        .with_config_source(source as i8)
        .with_config_type(setting.kind as i8)
        .with_synonyms(synonyms)
}

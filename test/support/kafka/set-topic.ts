import kafkajs, { type Admin } from 'kafkajs';

/** Changes one setting of a topic. Kafka would set all others back, which are not named. */
export const setTopic = async (
  admin: Admin,
  topic: string,
  name: string,
  value: string,
): Promise<void> => {
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type, name: topic }],
  });
  const others = (resources[0]?.configEntries ?? [])
    .filter(({ configSource }) => configSource === kafkajs.ConfigSource.TOPIC_CONFIG)
    .filter(({ configName }) => configName !== name)
    .map(({ configName, configValue }) => ({ name: configName, value: configValue }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type, name: topic, configEntries: [...others, { name, value }] }],
  });
};

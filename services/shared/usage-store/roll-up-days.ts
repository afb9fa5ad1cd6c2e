/**
 * Rolls up what the hours that close now changed in their days: for each daily window with usage in one of
 * these hours, the sum over the day's hours closed so far. A window without usage in them keeps its earlier
 * row, which is still right. The result depends only on closed hours, so running it again gives the same
 * rows.
 */
export const ROLL_UP_DAYS = `
INSERT INTO usage_daily
  (topic, epoch, partition, reported_day, usage_day, usage_day_end, subscription_key, meter_key,
   resource_key, subscription_id, meter_id, resource_uri, location, tags, additional_info, quantity,
   event_count, first_offset, last_hour, generation)
SELECT
  topic, epoch, partition,
  toDateTime(intDiv(toUnixTimestamp(reported_hour), {daySeconds:UInt32}) * {daySeconds:UInt32}, 'UTC') AS reported_day,
  toDateTime(intDiv(toUnixTimestamp(usage_hour), {daySeconds:UInt32}) * {daySeconds:UInt32}, 'UTC') AS usage_day,
  usage_day + {daySeconds:UInt32} AS usage_day_end,
  subscription_key, meter_key, resource_key,
  argMin(subscription_id, h.first_offset), argMin(meter_id, h.first_offset),
  argMin(resource_uri, h.first_offset), argMin(location, h.first_offset),
  tupleElement(argMin(tuple(tags), h.first_offset), 1),
  tupleElement(argMin(tuple(additional_info), h.first_offset), 1),
  sum(h.quantity), sum(h.event_count), min(h.first_offset),
  max(reported_hour) AS last_hour, max(h.generation)
FROM usage_hourly AS h FINAL
WHERE topic = {topic:String} AND epoch = {epoch:UInt32} AND partition = {partition:UInt16}
  AND reported_hour >= toDateTime({from:UInt32}, 'UTC')
  AND reported_hour <= toDateTime({last:UInt32}, 'UTC')
GROUP BY topic, epoch, partition, reported_day, usage_day, subscription_key, meter_key, resource_key
HAVING last_hour >= toDateTime({first:UInt32}, 'UTC')
`;

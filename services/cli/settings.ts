import {
  clickHouseSettings,
  controlKeySettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
} from '../shared/config.ts';

/** The settings of commands that change sources. */
export const changeConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...hourSettings,
  });

/** The settings of commands that only look. */
export const lookConfig = () => parseEnvironment({ ...kafkaSettings, ...clickHouseSettings });

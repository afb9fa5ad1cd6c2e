import {
  clickHouseSettings,
  controlKeySettings,
  foldSettings,
  hourSettings,
  kafkaSettings,
  parseEnvironment,
  serviceUrlSettings,
} from '../shared/process/config.ts';

/** The settings of commands that change sources. */
export const readChangeConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...hourSettings,
  });

/** The settings of a repair, which folds the log again. */
export const readRepairConfig = () =>
  parseEnvironment({
    ...kafkaSettings,
    ...clickHouseSettings,
    ...controlKeySettings,
    ...foldSettings,
  });

/** The settings of commands that only look. */
export const readViewConfig = () => parseEnvironment({ ...kafkaSettings, ...clickHouseSettings });

/** The settings of `status`, which asks the services too. */
export const readStatusConfig = () =>
  parseEnvironment({ ...kafkaSettings, ...clickHouseSettings, ...serviceUrlSettings });

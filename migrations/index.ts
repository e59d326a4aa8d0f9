/** Every migration, in order. A table and its row-level-security policy stand in the same file. */
import { RolesAndScope0000000000001 } from './0001-roles-and-scope';
import { Tenant0000000000002 } from './0002-tenant';
import { Scenario0000000000003 } from './0003-scenario';
import { OutboxAndTask0000000000004 } from './0004-outbox-and-task';
import { Dataset0000000000005 } from './0005-dataset';
import { Registry0000000000006 } from './0006-registry';
import { Training0000000000007 } from './0007-training';
import { Deployment0000000000008 } from './0008-deployment';
import { Usage0000000000009 } from './0009-usage';
import { Billing0000000000010 } from './0010-billing';
import { PredictionAndFeedback0000000000011 } from './0011-prediction-and-feedback';
import { Search0000000000012 } from './0012-search';
import { HoldoutGroup0000000000013 } from './0013-holdout-group';

export const migrations = [
  RolesAndScope0000000000001,
  Tenant0000000000002,
  Scenario0000000000003,
  OutboxAndTask0000000000004,
  Dataset0000000000005,
  Registry0000000000006,
  Training0000000000007,
  Deployment0000000000008,
  Usage0000000000009,
  Billing0000000000010,
  PredictionAndFeedback0000000000011,
  Search0000000000012,
  HoldoutGroup0000000000013,
];

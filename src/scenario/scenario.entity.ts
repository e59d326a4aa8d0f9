import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ErrorCosts, LearningTask, ScenarioId, TenantId } from '../../contracts';

export const SCENARIO_STATES = ['ACTIVE', 'ARCHIVED'] as const;
export type ScenarioState = (typeof SCENARIO_STATES)[number];

@Entity({ schema: 'app', name: 'scenario' })
export class Scenario {
  @PrimaryColumn({ type: 'uuid', name: 'tenant_id' })
  tenantId: TenantId;
  @PrimaryColumn({ type: 'uuid' })
  id: ScenarioId;
  @Column({ type: 'text' })
  name: string;
  @Column({ type: 'text' })
  description: string;
  /** The template that it began with. */
  @Column({ type: 'text', nullable: true })
  template: string | null;
  @Column({ type: 'text' })
  state: ScenarioState;
  @Column({ type: 'text' })
  task: LearningTask;
  /** Null: the task learns without known answers. */
  @Column({ type: 'text', nullable: true })
  target: string | null;
  /** What a wrong label costs; null: all mistakes cost the same. */
  @Column({ type: 'jsonb', name: 'error_costs', nullable: true })
  errorCosts: ErrorCosts | null;
  @Column({ type: 'text', name: 'goal_metric' })
  goalMetric: string;
  @Column({ type: 'text' })
  currency: string;
  @Column({ type: 'text', name: 'price_note' })
  priceNote: string;
  @Column({ type: 'text', name: 'value_note' })
  valueNote: string;
  /** Whether what is asked and answered is kept, for feedback and retraining. */
  @Column({ type: 'boolean', name: 'log_enabled' })
  logEnabled: boolean;
  /** Fraction of the requests that is kept, 0 to 1. */
  @Column({ type: 'double precision', name: 'log_sampling' })
  logSampling: number;
  @Column({ type: 'int', name: 'log_retention_days' })
  logRetentionDays: number;
  /** Columns that are never kept. */
  @Column({ type: 'text', name: 'log_left_out', array: true })
  logLeftOut: string[];
  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt: Date;
  @Column({ type: 'timestamptz', name: 'updated_at' })
  updatedAt: Date;
  @Column({ type: 'timestamptz', name: 'archived_at', nullable: true })
  archivedAt: Date | null;
}

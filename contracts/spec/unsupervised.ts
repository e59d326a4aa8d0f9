import { z } from 'zod';
import { Precision } from './precision';
import { Scaling } from './scaling';

/** How many groups: a number, or the one that separates the rows best. */
const Clusters = z.union([z.literal('auto'), z.number().int().min(2).max(100)]).default('auto');

/** k-means (Lloyd 1982) on standardised columns, started by k-means++ (Arthur & Vassilvitskii 2007). */
export const KMeansSpec = z.strictObject({
  family: z.literal('k-means'),
  clusters: Clusters,
  /** Independent starts, of which the closest groups are kept. */
  restarts: z.number().int().min(1).max(100).default(4),
  ...Scaling.shape,
});
export type KMeansSpec = z.infer<typeof KMeansSpec>;

/** Mixture of Gaussians by expectation maximisation (Dempster et al. 1977), `auto` by the Bayesian information criterion. */
export const GaussianMixtureSpec = z.strictObject({
  family: z.literal('gaussian-mixture'),
  clusters: Clusters,
  /** `full` knows how columns go together and needs the rows for it; `auto` decides by the number of columns. */
  covariance: z.enum(['auto', 'full', 'diagonal']).default('auto'),
  ...Scaling.shape,
});
export type GaussianMixtureSpec = z.infer<typeof GaussianMixtureSpec>;

/** Share of rows like the training rows that are called anomalies. */
const Contamination = z.number().gt(0).lt(0.5).default(0.05);

/** Rows that few random cuts set apart are anomalies (Liu et al., «Isolation forest», 2008). */
export const IsolationForestSpec = z.strictObject({
  family: z.literal('isolation-forest'),
  trees: z.number().int().min(1).max(2000).default(200),
  /** Rows that each tree sees. */
  sample: z.number().int().min(2).max(65536).default(256),
  contamination: Contamination,
});
export type IsolationForestSpec = z.infer<typeof IsolationForestSpec>;

/** A network that must squeeze a row through a few numbers: what it cannot restore is an anomaly. */
export const AutoencoderSpec = z.strictObject({
  family: z.literal('autoencoder'),
  /** Layers down to the code; the way back mirrors them. */
  hidden: z.array(z.number().int().min(1).max(4096)).max(4).default([32]),
  code: z.number().int().min(1).max(1024).default(8),
  /** Share of the features that are blanked out while training (denoising; Vincent et al. 2008). */
  noise: z.number().min(0).max(0.9).default(0.1),
  learningRate: z.number().positive().max(10).default(0.003),
  batchSize: z.number().int().min(1).max(65536).default(128),
  epochs: z.number().int().min(1).max(10000).default(60),
  validationFraction: z.number().min(0).max(0.5).default(0.1),
  patience: z.number().int().min(0).max(10000).default(8),
  contamination: Contamination,
  ...Precision.shape,
  ...Scaling.shape,
});
export type AutoencoderSpec = z.infer<typeof AutoencoderSpec>;

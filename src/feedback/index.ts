/** **Feedback** is what turned out to be true for one row of a prediction; quality is the sum of it. */
export { FeedbackService } from './feedback.service';
export type {
  Feedback,
  FeedbackRequest,
  PreparedFeedback,
  Quality,
  VersionQuality,
} from './feedback.service';
export type { QualityMetrics } from './quality';
export { FeedbackResolver } from './feedback.resolver';

import { guardDigits, guardMails, guardSentiment } from './guard/sections.ts'
import { runSections } from './report/run-sections.ts'

await runSections(
  {
    name: 'guard',
    opening:
      '# Measured: cascades and monitors\n\nWritten by `pnpm --filter benchmark guard`; the same numbers, unrounded, are in ' +
      '`reports/guard.json`, and what the models answered in `reports/guard/`. Thresholds and baselines come from calibration ' +
      'examples alone; each is then used as it is on the test set and on shifted data, for which nothing is promised. ' +
      '“at least” is the lower limit of the agreement with 95 % confidence (Clopper and Pearson); loss is in points against ' +
      'dense, paired by example, with its 95 % interval. FLOPs are those of the whole cascade over those of the ' +
      'dense model, example by example at its own length; no times were measured. “broken in draws”: of 2,000 calibration ' +
      'sets drawn with replacement from calibration and test examples together, those whose threshold breaks the promise on ' +
      'all of these; for a promise on average it is the mean disagreement that counts. Times of measuring are without answers ' +
      'that were kept already.',
  },
  [guardSentiment, guardMails, guardDigits],
)

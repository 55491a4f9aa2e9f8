import { generatedFiles } from '../generate/generated.mjs'
import { judged } from './outcome.mjs'

/** @returns {Promise<import('./outcome.mjs').Outcome[]>} that generated text is what the generator writes now */
export async function checkGenerated() {
  return (await generatedFiles()).map(({ file, text, present }) =>
    judged(
      `generated parts of ${file}`,
      text === present ? [] : ['out of date: run "npm run generate" and look at the difference'],
    ),
  )
}

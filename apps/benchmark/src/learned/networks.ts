import { readFile } from 'node:fs/promises'
import { type Method, withValues } from '@tp/core'
import { learnedBytes, paramsOf, readSafetensors } from '@tp/core/host'
import { type ModelInputs, someExamples } from '@tp/eval/inputs'
import { sdtp } from '@tp/method-gradient'
import { openMinilm } from '../foundations/minilm.ts'
import { writeWhole } from '../output/write-file.ts'
import { reportPath } from '../report/report.ts'
import type { Context } from '../report/section.ts'
import { learnForetelling } from './predicting.ts'
import type { Material } from './runs.ts'
import type { Sst2 } from './sst2.ts'

/** So many calibration reviews are to choose by; what learns, learns from the others. */
export const CHOSEN_BY = 800

/** The last ones, as many tokens as the reviews have; what is chosen by sentences is chosen by the first ones. */
const SENTENCES = 12_000

type Learner = Pick<Material, 'model' | 'file' | 'training'>

/** `sdtp` of MiniLM, for any layers but the last; its networks learned once from reviews that nothing is chosen by, without labels. */
export function sdtpOfReviews(context: Context): Promise<Method> {
  return learnedOnce(context, 'imdb-sdtp', async () => {
    const { model, file, inputs } = await openMinilm(context, ['imdb', 'calibration.tsv'])
    return { model, file, training: someExamples(inputs, positions(inputs).slice(CHOSEN_BY)) }
  })
}

/** The same from sentences of SST-2. */
export function sdtpOfSentences(context: Context, { dev, training }: Sst2): Promise<Method> {
  return learnedOnce(context, 'sst2-sdtp', async () => {
    return { ...dev, training: someExamples(training, positions(training).slice(-SENTENCES)) }
  })
}

const LAYERS = [0, 1, 2, 3, 4]

async function learnedOnce(context: Context, name: string, open: () => Promise<Learner>): Promise<Method> {
  const path = reportPath('safetensors', `learned/${name}`)
  const bytes = await readFile(path).catch(async () => {
    const bytes = learnedBytes(await learnForetelling(context, await open(), LAYERS))
    await writeWhole(path, bytes)
    return bytes
  })
  const weights = readSafetensors(bytes)
  return withValues(sdtp(), (layer) => paramsOf(sdtp(), weights, layer))
}

function positions({ targets }: ModelInputs): number[] {
  return targets.map((_, i) => i)
}

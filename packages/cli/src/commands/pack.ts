import { basename } from 'node:path'
import { type Comparison, verifySame } from '@tp/compare'
import { pack, transform } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { stageModel } from '@tp/data/files'
import { withinBounds } from '@tp/plans/files'
import { flag, outOption } from '../arguments/option.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { nativeModule } from '../plugins/open-runtime.ts'
import { comparisonText } from '../printing/comparison-text.ts'
import { megabytes } from '../printing/numbers.ts'
import { type Command, command, millisecondsSince } from './command.ts'

export const packCommand: Command = command({
  options: {
    ...outOption,
    verify: flag('compare the packed model with the model before it is written, on texts of unequal lengths'),
  },
  notes: [
    'A packed file concatenates the tokens of all examples of a batch, so that padding costs nothing. Only',
    '@tp/runtime-native runs it. Prune first, then pack. An example:',
    '',
    '  tp pack pruned.onnx -o packed.onnx --verify',
  ],
  async run([path = ''], { out, verify = false }, { progress, signal, files }) {
    const start = performance.now()
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`packing ${basename(path)}`)
    const { model, reports } = await endable(() => transform(file.model, pack()))
    const [{ attentions }] = reports
    await using staged = await stageModel(model, file, out, signal)
    if (verify) progress.stage('verifying')
    const verification = verify ? await withinBounds(file, staged.path, signal, verifySame, nativeModule()) : undefined
    throwIfAborted(signal, 'tp')
    await staged.commit()
    const { bytes, dataFiles } = staged
    const verified = verification && { verification }
    const content = { model: path, out, attentions, bytes, dataFiles, ...verified, ...millisecondsSince(start) }
    return { content, text: describe(out, attentions, bytes, verification) }
  },
})

function describe(out: string, attentions: number, bytes: number, verification: Comparison | undefined): string {
  const work =
    attentions === 0
      ? 'attention is padded, all else is packed'
      : `${attentions} ${attentions === 1 ? 'attention is' : 'attentions are'} packed`
  const checked = verification === undefined ? [] : [`verified  outputs differ ${comparisonText(verification)}`]
  return [`wrote ${out} (${megabytes(bytes)}): ${work}; runs in @tp/runtime-native`, ...checked].join('\n')
}

import { basename } from 'node:path'
import { type Comparison, verifySame } from '@tp/compare'
import { pack, transform } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { outputsOf, stageModel } from '@tp/data/files'
import { usageError } from '../arguments/usage-error.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { naming } from '../model/refusal-error.ts'
import { withinBounds } from '../model/within-bounds.ts'
import { nativeModule } from '../plugins/open-runtime.ts'
import { comparisonText } from '../printing/comparison-text.ts'
import { jsonDocument } from '../printing/document.ts'
import { megabytes } from '../printing/numbers.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

export const packCommand: Command = command({
  options: {
    out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
    verify: {
      type: 'boolean',
      description: 'compare the packed model with the model before it is written, on texts of unequal lengths',
    },
    json: { type: 'boolean', description: 'print one JSON document' },
  },
  notes: [
    'A packed file concatenates the tokens of all examples of a batch, so that padding costs nothing. Only',
    '@tp/runtime-native runs it. Prune first, then pack. An example:',
    '',
    '  tp pack pruned.onnx -o packed.onnx --verify',
  ],
  writes: ({ out }) => outputsOf({ '-o': out }, { holdsModel: true }),
  async run([path = ''], { out, verify = false, json = false }, { print, progress, signal, files }) {
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    const start = performance.now()
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`packing ${basename(path)}`)
    const { model, reports } = await endable(() => naming(path, () => transform(file.model, pack())))
    const [{ attentions }] = reports
    await using staged = await stageModel(model, file, out, signal)
    if (verify) progress.stage('verifying')
    const verification = verify ? await withinBounds(file, staged.path, signal, verifySame, nativeModule()) : undefined
    throwIfAborted(signal, 'tp')
    await staged.commit()
    progress.end()
    const report = {
      ...{ model: path, out, attentions, bytes: staged.bytes, dataFiles: staged.dataFiles },
      ...(verification && { verification }),
      milliseconds: Math.round(performance.now() - start),
    }
    print(json ? jsonDocument('pack', report) : describe(report))
    return EXIT.done
  },
})

interface PackReport {
  readonly out: string
  readonly attentions: number
  readonly bytes: number
  readonly verification?: Comparison
}

function describe({ out, attentions, bytes, verification }: PackReport): string {
  const work =
    attentions === 0
      ? 'attention is padded, all else is packed'
      : `${attentions} ${attentions === 1 ? 'attention is' : 'attentions are'} packed`
  const checked = verification === undefined ? [] : [`verified  outputs differ ${comparisonText(verification)}`]
  return [`wrote ${out} (${megabytes(bytes)}): ${work}; runs in @tp/runtime-native`, ...checked].join('\n')
}

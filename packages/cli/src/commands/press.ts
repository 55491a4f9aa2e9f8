import { verifyPress } from '@tp/compare'
import { fromPlan, press } from '@tp/compiler'
import { amountRules } from '@tp/core/host'
import { throwIfAborted } from '@tp/core/runtime'
import { outputsOf, stageModel } from '@tp/data/files'
import { decodeModel } from '@tp/onnx'
import { boundedProcess, boundsFor } from '@tp/runtime-node/bounded'
import { countOptions, pruningOptions } from '../arguments/pruning-options.ts'
import { planOf, readCount, readSettings } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { naming } from '../model/refusal-error.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { jsonDocument } from '../printing/document.ts'
import { megabytes } from '../printing/numbers.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

const options = {
  out: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; never the model itself' },
  method: { type: 'string', value: 'NAME', description: 'how tokens are selected, by keys and values alone' },
  ...countOptions,
  param: pruningOptions.param,
  plugin: pruningOptions.plugin,
  verify: {
    type: 'boolean',
    description: 'run the press before it is written, on random caches of two examples, alone and in a batch',
  },
  json: { type: 'boolean', description: 'print one JSON document' },
} as const

export const pressCommand: Command = command({
  options,
  notes: [
    'OUT runs once, between a prompt and what is generated after it: it is given what MODEL returns of its caches, and returns',
    'what MODEL is given next. pressCaches of @tp/transformers does that inside generate(). An example:',
    '',
    '  tp press decoder.onnx -o press.onnx --method key-diff --keep 0.5',
  ],
  writes: ({ out }) => outputsOf({ '-o': out }, { holdsModel: true }),
  async run([path = ''], given, { print, progress, signal, files }) {
    const { out, json = false } = given
    if (out === undefined) throw usageError('-o OUT is missing: the file to write')
    if (given.method === undefined)
      throw usageError('--method NAME is missing, such as key-diff, key-norm or streaming')
    const amount = readCount(given)
    const catalog = await loadMethods(given.plugin)
    const plan = planOf(findMethod(catalog, given.method), { params: readSettings(given).params ?? {} })
    const { method } = fromPlan(
      plan,
      [...catalog.values()].map(({ entry }) => entry),
    )
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`pressing the caches of ${path}`)
    const pressing = await endable(async () => naming(path, () => press(file.model, { method, amount })))
    await using staged = await stageModel(decodeModel(pressing), file, out, signal)
    if (given.verify) {
      progress.stage('verifying')
      await using process = boundedProcess(signal)
      await using session = await process.load(staged.path, { bounds: boundsFor(staged.bytes) })
      await verifyPress(session, signal)
    }
    throwIfAborted(signal, 'tp')
    await staged.commit()
    progress.end()
    const { bytes } = staged
    const report = { model: path, out, method: plan.method, params: plan.params ?? {}, amount, bytes }
    const kept = amountRules[amount.kind].kept(amount.value)
    print(
      json
        ? jsonDocument('press', report)
        : [
            `${out}  ${megabytes(bytes)}, ${plan.method}, keeps ${kept} of every cache`,
            ...(given.verify ? ['verified  the same tokens are kept of an example alone and in a batch'] : []),
          ].join('\n'),
    )
    return EXIT.done
  },
})

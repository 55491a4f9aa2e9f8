import { press } from '@tp/compiler'
import { amountRules } from '@tp/core/host'
import { decodeModel } from '@tp/onnx'
import { planOf } from '@tp/plans/files'
import { outOption, text, verifyOption } from '../arguments/option.ts'
import { countOptions, pruningOptions } from '../arguments/pruning-options.ts'
import { readCount, readSettings } from '../arguments/read-fields.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { writeModel } from '../model/write-model.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { megabytes } from '../printing/numbers.ts'
import { verificationText } from '../printing/verification-text.ts'
import { type Command, command } from './command.ts'

const options = {
  ...outOption,
  method: text('NAME', 'the pruning method, which sees keys and values alone', {
    required: 'such as key-diff, key-norm or streaming',
  }),
  ...countOptions,
  param: pruningOptions.param,
  plugin: pruningOptions.plugin,
  ...verifyOption,
} as const

export const pressCommand: Command = command({
  options,
  notes: [
    'OUT runs once, between a prompt and the generated text: it takes the caches that MODEL returns, and returns those that MODEL',
    'takes next. pressCaches of @tp/transformers does that inside generate(). An example:',
    '',
    '  tp press decoder.onnx -o press.onnx --method key-diff --keep 0.5',
  ],
  async run([path = ''], args, context) {
    const { progress, signal, files } = context
    const { out } = args
    const amount = readCount(args)
    const entry = findMethod(await loadMethods(args.plugin), args.method)
    const plan = planOf(entry, { params: readSettings(args).params ?? {} })
    const method = entry.create(plan.params)
    const file = await endable(() => readModelFile(path, { signal, files }))
    progress.stage(`pressing the caches of ${path}`)
    const pressing = await endable(async () => press(file.model, { method, amount }))
    const model = decodeModel(pressing)
    const { bytes, verification } = await writeModel({ model, file, out, verify: !args['no-verify'] }, context)
    const kept = amountRules[amount.kind].kept(amount.value)
    return {
      content: {
        model: path,
        out,
        method: plan.method,
        params: plan.params ?? {},
        amount,
        bytes,
        ...(verification && { verification }),
      },
      text: `${out}  ${megabytes(bytes)}, ${plan.method}, keeps ${kept} of every cache\n${verificationText(verification)}`,
    }
  },
})

import { dataOptions, taskOption } from '../arguments/data-options.ts'
import { demandOptions, readDemands } from '../arguments/demand-options.ts'
import { text } from '../arguments/option.ts'
import { runtimeOption } from '../arguments/run-options.ts'
import { checkFiles } from '../measuring/check-files.ts'
import { readModelFile } from '../model/model-file.ts'
import { batchSizeOf, openTaskInputs } from '../model/open-task-inputs.ts'
import { openRuntime } from '../plugins/open-runtime.ts'
import { type Command, command } from './command.ts'
import { EXIT } from './exit-code.ts'

export const checkCommand: Command = command({
  options: {
    against: text('DENSE', 'the model that PRUNED was made from', {
      reads: 'model',
      required: 'the model that it is compared with',
    }),
    ...dataOptions,
    data: { ...dataOptions.data, required: 'examples to compare them on' },
    ...demandOptions,
    ...taskOption,
    ...runtimeOption,
  },
  notes: [
    'Prints one table and one sentence: yes, no, or not shown, where the estimate of the loss is within --max-loss and its interval',
    'is not. The exit code is 3 for no and, with --confident, for not shown. Times are for one example and one thread, both files in turns on',
    'examples of all lengths. Use data that nothing was tuned or trained on: examples that chose the plan never give a yes. An example:',
    '',
    '  tp check pruned.onnx --against model.onnx --data test.tsv --max-loss 1',
  ],
  async run([path = ''], args, outer) {
    const { against, data } = args
    const demands = readDemands(args)
    const context = { ...outer, runtime: await openRuntime(args.runtime) }
    const [pruned, dense] = [await readModelFile(path, context), await readModelFile(against, context)]
    const opened = await openTaskInputs(against, data, batchSizeOf(pruned), args, context)
    for (const note of opened.inputs.notes) context.progress.note(note)
    const filesToCheck = { pruned, dense, source: data, data: opened, demands }
    const { verdict, ...report } = await checkFiles(filesToCheck, context)
    return { ...report, code: verdict.passed ? EXIT.done : EXIT.belowThreshold }
  },
})

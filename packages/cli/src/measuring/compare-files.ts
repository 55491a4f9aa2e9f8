import { basename } from 'node:path'
import { TpError } from '@tp/core'
import { Graph } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import type { Context } from '../command/context.ts'
import type { ModelFile } from '../model/model-file.ts'
import type { TaskInputs } from '../model/open-task-inputs.ts'
import { evaluateSession } from './evaluate-variant.ts'
import { evaluation, timing } from './expected-stages.ts'
import type { JudgedAnswers, Loss } from './judge.ts'
import { judging } from './judge-of-task.ts'
import { TIMING_MS, type Times, timeInTurns } from './time-in-turns.ts'

/** What one of two files answered, and how fast. */
export interface FileFigures extends Times {
  readonly answers: JudgedAnswers
}

interface FilesToCompare {
  readonly dense: ModelFile
  readonly pruned: ModelFile
  readonly data: TaskInputs
  readonly batchSize: number
}

/**
 * Two files on the same examples: answers of one after the other, then times in turns.
 * @throws TpError TP_INPUT for files that do not take the same inputs; TP_DATA where the examples say nothing of a loss
 */
export async function compareFiles(
  { dense, pruned, data, batchSize }: FilesToCompare,
  context: Context,
): Promise<{ readonly dense: FileFigures; readonly pruned: FileFigures; readonly loss: Loss }> {
  requireSameInputs(dense, pruned)
  const { progress, signal, runtime = nodeRuntime(), timingMs = TIMING_MS } = context
  return await judging(data, context, async (judge, decoder) => {
    const task = { judge, inputs: data.inputs, batchSize, signal, progress, runtime }
    const open = ({ path }: ModelFile) => runtime.load(path, { threads: 1, signal })
    const examples = data.inputs.targets.length
    const inTurns = timing(examples, decoder === undefined ? timingMs : 2 * timingMs)
    progress.expect?.([evaluation(examples), evaluation(examples), inTurns])
    progress.stage(`evaluating ${basename(dense.path)}`)
    const before = await evaluateSession(await open(dense), { ...task, file: dense })
    progress.stage(`evaluating ${basename(pruned.path)}`)
    const after = await evaluateSession(await open(pruned), { ...task, file: pruned })
    const answers = judge.pruned([after], before)
    const { loss } = answers
    if (loss === undefined) {
      const seen = `${data.inputs.source} has no query with two candidates, so that no order can be lost`
      throw new TpError('TP_DATA', 'tp', `${seen}; give candidates of the same query`)
    }
    progress.stage('timing both in turns')
    await using first = await open(dense)
    await using second = await open(pruned)
    const [denseTimes, prunedTimes] = await timeInTurns([first, second], { data, batchSize, decoder }, context)
    return {
      dense: { answers: judge.dense(before), ...(denseTimes as Times) },
      pruned: { answers, ...(prunedTimes as Times) },
      loss,
    }
  })
}

/** @throws TpError TP_INPUT */
function requireSameInputs(dense: ModelFile, pruned: ModelFile): void {
  const [first, second] = [dense, pruned].map(({ model }) => new Graph(model).inputs.map(({ name }) => name).sort())
  if (`${first}` === `${second}`) return
  const seen = `${dense.path} takes ${first?.join(', ')}, and ${pruned.path} takes ${second?.join(', ')}`
  throw new TpError('TP_INPUT', 'tp', `${seen}; give a file that was made from the other`)
}

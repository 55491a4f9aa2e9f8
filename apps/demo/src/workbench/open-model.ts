import type { Inspection, Plan, Refusal } from '@tp/compiler'
import { throwIfAborted } from '@tp/core/runtime'
import { type Compiler, openCompiler } from '../engine/compiler.ts'
import { openSlot, type PrunedFile, type Slot } from '../engine/variants.ts'
import type { ModelInputsKnown } from '../inputs/model-inputs-known.ts'
import { pluginAddresses } from './added-methods.ts'
import type { ModelSource } from './model-source.ts'
import { densePlan } from './settings.ts'

/** A model whose tokens can be pruned, with a slot for each form in which it is run. */
export interface WorkbenchModel {
  readonly ok: true
  readonly inspection: Inspection
  readonly known: ModelInputsKnown
  readonly compiler: Compiler
  readonly dense: Slot
  /** Says which tokens were kept; slower by that, and by the last layer, which it computes for all tokens. */
  readonly traced: Slot
  /** As it is downloaded and timed. */
  readonly pruned: Slot
  /** The pruned file alone, which needs no input. */
  write(plan: Plan, signal: AbortSignal): Promise<PrunedFile>
  end(): void
}

/** @throws TpError TP_NOT_ONNX, TP_ABORTED, and what the runtime throws */
export async function openModel(
  { bytes, data = new Map(), facts, tokenizer }: ModelSource,
  signal: AbortSignal,
): Promise<WorkbenchModel | { readonly ok: false; readonly refusal: Refusal }> {
  const compiler = await openCompiler(bytes, data, pluginAddresses)
  const slots = {
    dense: openSlot(compiler, false),
    traced: openSlot(compiler, true),
    pruned: openSlot(compiler, false),
  }

  function end(): void {
    for (const slot of Object.values(slots)) slot.empty()
    compiler.end()
  }

  try {
    throwIfAborted(signal, 'demo')
    const { inspection } = compiler
    if (!inspection.ok) {
      end()
      return inspection
    }
    const { session } = await slots.dense.use(densePlan, signal)
    const { protectedTokens } = inspection
    const known = { inputs: session.inputs, countTokens: compiler.count, protectedTokens, facts, tokenizer }
    const write = async (plan: Plan, signal: AbortSignal): Promise<PrunedFile> => {
      return { plan, file: await compiler.prune(plan, false, signal) }
    }
    return { ok: true, inspection, known, compiler, ...slots, write, end }
  } catch (error) {
    end()
    throw error
  }
}

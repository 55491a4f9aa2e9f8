import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { FileDrop } from '../inputs/file-drop.tsx'
import { problemText } from '../page/problem-text.ts'
import { Bench } from '../views/bench.tsx'
import { InspectionCard } from '../views/inspection.tsx'
import type { ModelSource } from '../workbench/model-source.ts'
import { readFiles } from '../workbench/read-files.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'
import { AnyInput } from './any-input.tsx'

export interface OwnModelProps {
  readonly source: Signal<ModelSource | undefined>
  readonly settings: Signal<WorkbenchSettings>
  readonly content: Signal<Content | undefined>
  readonly label: string
  /** What its tokens are called. */
  readonly what: string
}

/** A model that the user brings. */
export function OwnModel({ source, settings, content, label, what }: OwnModelProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const bench = useWorkbench(source.value, settings, content)

  async function onFiles(files: readonly File[]): Promise<void> {
    if (files.length === 0) return
    try {
      const opened = await readFiles(files, source.value)
      problem.value = undefined
      content.value = undefined
      settings.value = { ...settings.value, layers: undefined }
      source.value = opened
    } catch (error) {
      problem.value = problemText(error)
    }
  }

  const failed = bench?.stage.value === 'failed' && bench.inspection.value === undefined
  return (
    <>
      <FileDrop label={label} multiple={true} onFiles={onFiles} />
      {(problem.value ?? (failed && bench?.problem.value)) && (
        <section class="card refusal" role="alert">
          <h2>That did not work</h2>
          <p>{problem.value ?? bench?.problem.value}</p>
        </section>
      )}
      {bench?.inspection.value && <InspectionCard name={bench.source.name} inspection={bench.inspection.value} />}
      {bench && !failed && (
        <Bench bench={bench} what={what}>
          {bench.inputs.value ? (
            <AnyInput known={bench.inputs.value} content={content} />
          ) : (
            <p>The model is being read …</p>
          )}
        </Bench>
      )}
    </>
  )
}

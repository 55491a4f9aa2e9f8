import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import type { Content } from '../inputs/content.ts'
import { FileDrop } from '../inputs/file-drop.tsx'
import { ModelAddressForm } from '../inputs/model-address-form.tsx'
import type { BytesRead } from '../loading/read-bytes.ts'
import { problemText } from '../page/problem-text.ts'
import { fetchModel } from '../remote/fetch-model.ts'
import { Bench } from '../views/bench.tsx'
import { InspectionCard } from '../views/inspection.tsx'
import { LoadProgress } from '../views/load-progress.tsx'
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
  /** The name for its tokens. */
  readonly what: string
}

/** A model that the user brings, as files or by its address. */
export function OwnModel({ source, settings, content, label, what }: OwnModelProps): JSX.Element {
  const problem = useSignal<string | undefined>(undefined)
  const progress = useSignal<BytesRead | undefined>(undefined)
  const current = useRef(new AbortController())
  const bench = useWorkbench(source.value, settings, content)

  /** Opens what `read` gives; what was on its way before is dropped. */
  async function open(
    read: (onProgress: (progress: BytesRead) => void, signal: AbortSignal) => Promise<ModelSource>,
  ): Promise<void> {
    current.current.abort()
    current.current = new AbortController()
    const { signal } = current.current
    problem.value = undefined
    try {
      const opened = await read((now) => {
        if (!signal.aborted) progress.value = now
      }, signal)
      if (signal.aborted) return
      content.value = undefined
      // Those of a link are for the first model.
      if (source.value !== undefined) settings.value = { ...settings.value, layers: undefined }
      source.value = opened
    } catch (error) {
      if (!signal.aborted) problem.value = problemText(error)
    }
    if (!signal.aborted) progress.value = undefined
  }

  const failed = bench?.stage.value === 'failed' && bench.inspection.value === undefined
  return (
    <>
      <div class="sources">
        <FileDrop
          label={label}
          multiple={true}
          onFiles={(files) => void open((onProgress) => readFiles(files, source.value, onProgress))}
        />
        <ModelAddressForm
          onAddress={(address) =>
            void open(async (onProgress, signal) =>
              readFiles(await fetchModel(address, onProgress, signal), undefined, () => {}),
            )
          }
        />
      </div>
      {progress.value && <LoadProgress progress={progress.value} label="Read" />}
      {(problem.value ?? (failed && bench?.problem.value)) && (
        <section class="card refusal" role="alert">
          <h2>That did not work</h2>
          <p>{problem.value ?? bench?.problem.value}</p>
        </section>
      )}
      {bench && !failed && (
        <Bench bench={bench} what={what}>
          {bench.inputs.value ? (
            <AnyInput known={bench.inputs.value} content={content} />
          ) : (
            <p>The model is being read …</p>
          )}
        </Bench>
      )}
      {bench?.inspection.value && <InspectionCard name={bench.source.name} inspection={bench.inspection.value} />}
    </>
  )
}

import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { exampleMails } from '../inputs/text/example-mails.ts'
import { TextInput } from '../inputs/text/text-input.tsx'
import { Bench } from '../views/bench.tsx'
import { embedded } from '../workbench/embedded.ts'
import type { WorkbenchSettings } from '../workbench/settings.ts'
import { useModel } from '../workbench/use-model.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'

const settings = signal<WorkbenchSettings>({ method: 'received-attention', keep: 0.7, layers: undefined })
const content = signal<Content | undefined>({ kind: 'text', text: exampleMails[0]?.text ?? '' })

export function Mail(): JSX.Element {
  const { source, problem } = useModel(embedded.mail)
  const bench = useWorkbench(source, settings, content)
  return (
    <>
      <p class="lead">Is it spam? A small model (BERT, 6 layers) reads a mail. What does it need to see?</p>
      {problem && <p role="alert">{problem}</p>}
      {bench && (
        <Bench bench={bench} what="tokens">
          <TextInput content={content} label="A mail, or any text" examples={exampleMails} />
        </Bench>
      )}
    </>
  )
}

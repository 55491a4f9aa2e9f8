import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import type { Content } from '../inputs/content.ts'
import { exampleMails } from '../inputs/text/example-mails.ts'
import { TextInput } from '../inputs/text/text-input.tsx'
import { addressOf, useAddress } from '../page/settings-in-address.ts'
import { ShareLink } from '../page/share-link.tsx'
import { Bench } from '../views/bench.tsx'
import { OpeningRace } from '../views/race/opening-race.tsx'
import { embedded } from '../workbench/embedded.ts'
import { standardSettings } from '../workbench/preset.ts'
import { presets } from '../workbench/presets.ts'
import { useModel } from '../workbench/use-model.ts'
import { useWorkbench } from '../workbench/use-workbench.ts'
import { openingText } from './opening-mail.tsx'

const standard = standardSettings(presets.mail)
const settings = signal(standard)
const content = signal<Content | undefined>({
  kind: 'text',
  text: openingText,
})

const text = (): string => (content.value?.kind === 'text' ? content.value.text : '')

export function Mail(): JSX.Element {
  useAddress('mail', settings, standard, text)
  const { source, problem } = useModel(embedded.mail)
  const bench = useWorkbench(source, settings, content)
  if (problem !== undefined) return <p role="alert">{problem}</p>
  if (bench === undefined) return <OpeningRace text={text()} />
  return (
    <Bench bench={bench} what="tokens">
      <TextInput content={content} label="Is it spam? A mail, or any text" examples={exampleMails} />
      <ShareLink address={() => addressOf('mail', settings.value, text())} />
    </Bench>
  )
}

import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { Digit } from '../tabs/digit.tsx'
import { RawImage } from '../tabs/image.tsx'
import { Mail } from '../tabs/mail.tsx'
import { Own } from '../tabs/own.tsx'
import { Sound } from '../tabs/sound.tsx'
import { type Tab, Tabs } from './tabs.tsx'

const tabs: readonly Tab[] = [
  { id: 'mail', title: 'Mail or text', Content: Mail },
  { id: 'digit', title: 'Digit', Content: Digit },
  { id: 'image', title: 'Image', Content: RawImage },
  { id: 'sound', title: 'Sound', Content: Sound },
  { id: 'own', title: 'Your own model', Content: Own },
]

const chosen = signal(tabs.find(({ id }) => `#${id}` === location.hash)?.id ?? 'mail')

export function Page(): JSX.Element {
  return (
    <>
      <header>
        <h1>What a model can leave out</h1>
        <p>
          A language or vision model cuts its input into pieces, <dfn>tokens</dfn>, and carries every one of them
          through all its layers. Most are not needed that long. <strong>Token pruning</strong> removes them on the way:
          each layer has less to compute, and the answer rarely changes. Watch which ones go.
        </p>
      </header>
      <main>
        <Tabs tabs={tabs} chosen={chosen} />
      </main>
      <footer>Everything happens in this page: nothing that you type, draw or open leaves your device.</footer>
    </>
  )
}

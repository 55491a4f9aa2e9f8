import { compare } from './compare.js'

const mail = await (await fetch('mail.txt')).text()
document.querySelector('blockquote').append(mail)
document.querySelector('output').append((await compare(mail)).join('\n'))

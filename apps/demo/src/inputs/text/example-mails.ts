/** Mails to begin with, written for this page. A mail is its subject, a full stop, and its text. */
export const exampleMails: readonly { readonly title: string; readonly text: string }[] = [
  {
    title: 'A long thread',
    text: `Re: build fails on the new machine . Hi Anna, thanks for the log, that was a great help. I had another look at it this morning, and I think there are two problems that hide each other. The first is in the parser. Its test fails for me as well, but only when the cache is empty: one thread reads the file before the other has written all of it, so the last line is missing, and the error that we see is about a bracket that is in the part nobody has read yet. On the old machine the disk is slow enough that the two never meet, which is why nobody noticed for a year. The second problem is older. The script that starts the tests sets the path after it has asked for the version of the compiler, so on a machine with two compilers it finds the wrong one, and then the library that we built last week does not fit. Peter saw the same thing on his laptop in March, and we thought at the time that it was his shell. I have attached a patch that waits for the file and sets the path first. Could you try it on your side, once with the cache and once without, and send me the output of both runs? If it works I would like to put it into the branch before the meeting on Thursday, so that Maria can build the packages from it and the people in the other office do not lose another day. I also went through the list of open bugs for the next release. Most of them are small. The one about fonts can wait, I think, because it needs somebody who knows the printer, and the one about dates is fixed already, we only forgot to close it. I am in a meeting until three, and after that we can go through the rest together on the phone. Thanks again for your patience, Tom`,
  },
  {
    title: 'A prize',
    text: `You have been selected . Dear friend, congratulations! Your email address has won a cash prize of $1,500,000 in our international online lottery. To claim your money you only have to reply today with your full name, your address and your bank details. There is no risk and no obligation, and our agents are standing by to help you. This is a limited time offer, so act now and click here to order your free gift. If you do not want to receive these mails any more, click the link below to be removed from our list.`,
  },
  {
    title: 'A colleague',
    text: `Re: build fails on the new machine . Hi Anna, I had another look at the build this morning. The test in the parser still fails for me, but only when the cache is empty, so I think it reads the file before the other thread has written it. Could you try the patch that I have attached and tell me if it works on your side? I am in a meeting until three, after that we can go through it together. By the way, the list of open bugs for the next release is on the wiki now. Thanks, Peter`,
  },
  {
    title: 'A newsletter',
    text: `This week in science . Astronomers have found water vapour in the air of a small planet, says a paper that was published on Tuesday. The team looked at it for two years with the same telescope. Other researchers are not so sure and want to see more data before they believe it. Also in this issue: why the price of memory falls again, and how ants find the shortest way home. You get this mail because you have subscribed to our weekly list.`,
  },
]

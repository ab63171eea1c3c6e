// The abbreviations that the tokenizer of Stanford CoreNLP 3.4.1 knows, as patterns: an ending in brackets
// with `?` may stand or not, a letter in brackets is only that letter, others are of either case.

const list = (words: string) => words.trim().split(/\s+/);
const either = (...words: readonly string[]) => `(${words.join('|')})`;

/** Letters with full stops between: U.S, and names that one of them is part of. */
const initialsOr = (letters: string) =>
  String.raw`(${letters}|(Canada|EU|Japan|Korean|non|Sino)-U\.S|U\.S\.-(U\.K|U\.S\.S\.R))`;
export const initials = initialsOr(String.raw`[A-Za-z](\.[A-Za-z])+`);
export const initialOrInitials = initialsOr(String.raw`[A-Za-z](\.[A-Za-z])*`);

/** Usually followed by a small letter: before a capital the sentence has ended. */
export const midSentence = either(
  ...list(String.raw`
    al Ala Apr Ariz [A]rk Assn Aug [A]z Bancorp Bhd Bldg Blvd Bros Calif Colo Conn Corp Cos? Ct Dak Dec [D]el
    (Ed|Ph)\.D Esq est etc ext Feb Fla Fri Ga [I]ll Inc Ind Intl Jan Jr Jul Jun Kans? Ky [L]a Ltd Mar [M]ass Md
    Mich Minn [M]iss Mo Mon Mont Neb Nev Nov Oct Okla [O]re [P]a Penn Plc Pp?t[ye]s? Rd Rt Sep Sept seq sq Sr
    Sys tel Tenn [T]ex Thu Thurs Tue Tues Univ Va Vt [W]ash Wed Wisc? Wyo`),
);

/** Usually followed by a name: never the end of a sentence. */
export const beforeName = either(
  initialOrInitials,
  ...list(String.raw`
    Adj Adm Adv a\.k\.a Alex Assoc Asst Attys? Ave Brig Capt cf Cie Co?mdr Col Cpl Dept Det Drs? Elec Ens Ft Gen
    Govs? Hon Insp Invt Jos Lieut Lt Maj Messrs M[ft]g [M]iss Mlle Mme Mr Mrs Ms Msgr Mt Natl Pfc Ph Pres
    Profs? Pvt Reps? Rev Sens? Sfc Sgt Spc Ste? Supts? TREAS vs Wm`),
);

/** Abbreviations only where a number follows. */
export const beforeNumber = either(...list('art bldg ca figs? nos? op pp prop'));

/** Words that begin a sentence, when their first letter is a capital: a full stop before them counts. */
export const sentenceStart = either(
  ...list(String.raw`
    a about according additionally after an as at but earlier he her here however if in it last many more mr\.
    ms\. now once one other our she since so some such that the their then there these they this we what when
    while yet you`).map((word) => `[${word[0]!.toUpperCase()}]${word.slice(1)}`),
);

export const fileEnding = either(
  ...list(`
    bat bmp c cgi class cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png ppt ps
    py sql tar txt wav x xml zip`),
);

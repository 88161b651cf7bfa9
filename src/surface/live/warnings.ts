/** Warnings with what they are about; those that say the same but for their numbers are one. */
import {groupBy} from '../../core/base/group.ts';
import {clippedList} from '../../core/base/text.ts';

export interface Warned {
  readonly message: string;
  /** Absent: it is about the run. */
  readonly stage?: {readonly kind: string; readonly label: string} | undefined;
}

/** `learn rotation · bag · seed 0: the loss …`; of several stages once, with how many of its kind, and which. */
export function warningTexts(warnings: readonly Warned[], stagesOfKind: (kind: string) => number): readonly string[] {
  return [...groupBy(warnings, sameness).values()].map((same) => {
    const [{message, stage}] = same as [Warned];
    const labels = [...new Set(same.flatMap((one) => one.stage?.label ?? []))];
    if (!stage || labels.length < 2) return warningText({message, stage});
    return `${message} (${labels.length} of ${stagesOfKind(stage.kind)} "${stage.kind}" stages: ${clippedList(labels, 3)})`;
  });
}

export const warningText = ({message, stage}: Warned): string => (stage ? `${stage.label}: ${message}` : message);

/** Warnings that come one by one: the first of a kind at once, the others together at the end. */
export class Warnings {
  readonly #groups = new Map<string, Warned[]>();

  /** What to say now; undefined: it was said of another stage. */
  add(warned: Warned): string | undefined {
    const group = this.#groups.get(sameness(warned));
    if (!group) this.#groups.set(sameness(warned), [warned]);
    else group.push(warned);
    return group ? undefined : warningText(warned);
  }

  /** What is left to say of those that came more than once. */
  rest(stagesOfKind: (kind: string) => number): readonly string[] {
    const repeated = [...this.#groups.values()].filter((group) => group.length > 1);
    return repeated.flatMap((group) => warningTexts(group, stagesOfKind));
  }
}

const sameness = ({message, stage}: Warned): string =>
  `${stage?.kind ?? ''}\n${message.replaceAll(/\d+(\.\d+)?/g, '#')}`;

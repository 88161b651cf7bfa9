/** What a task's images were called: at the threshold with which the page begins, by kind of defect, and as data for the page's script. */
import {areaUnderRoc, rank} from '../../domain/metrics/ranking.ts';
import type {MetricValue} from '../../pipeline/store/runs/numbers.ts';
import type {Markup} from '../html.ts';
import {number} from '../tables/formats.ts';
import {tableHtml} from '../tables/table-html.ts';
import type {CloseUp} from './close-up.ts';
import {embeddingData} from './embedding.ts';
import {decide} from './outcomes.ts';
import type {ExplorerData} from './page-data.ts';
import type {Pictures} from './pictures.ts';
import {scoreText} from './score-text.ts';
import {allowed} from './threshold.ts';

/** Kinds of test images: classes, or the folders that defects lie in; normal ones first. */
function kindsOf({scored, images}: CloseUp) {
  const {classes, classNames, labels} = scored[0]!;
  const nameOf = (image: number): string => images?.files?.folders[image] ?? classNames[classes[image]!]!;
  const anomalous = new Map<string, boolean>();
  for (const image of labels.keys()) anomalous.set(nameOf(image), labels[image] === 1);
  const names = [...anomalous.keys()].sort(
    (a, b) => Number(anomalous.get(a)) - Number(anomalous.get(b)) || (a < b ? -1 : 1),
  );
  const index = new Map(names.map((name, at) => [name, at]));
  return {
    names,
    anomalous: names.map((name) => anomalous.get(name)!),
    kind: [...labels.keys()].map((image) => index.get(nameOf(image))!),
  };
}

export function explorerData(closeUp: CloseUp, {setOf, heats}: Pictures): ExplorerData {
  const {names, anomalous, kind} = kindsOf(closeUp);
  const bytes = names.length <= 256 ? Uint8Array.from(kind) : new Uint8Array(Uint16Array.from(kind).buffer);
  return {
    pictures: setOf.get(closeUp) ?? null,
    kinds: names,
    anomalous,
    kind: Buffer.from(bytes).toString('base64'),
    ...(closeUp.embedding && {embedding: embeddingData(closeUp.embedding)}),
    classifiers: closeUp.scored.map(({classifier, scores, threshold}) => {
      const maps = heats.get(closeUp)?.get(classifier)?.style;
      return {
        name: classifier,
        scores: packedScores(scores),
        below: threshold.below,
        ...(maps !== undefined && {maps}),
      };
    }),
  };
}

/** Each score as a float32. */
export function packedScores(scores: Float64Array): string {
  const view = new DataView(new ArrayBuffer(4 * scores.length));
  for (const [i, score] of scores.entries()) view.setFloat32(4 * i, score);
  return Buffer.from(view.buffer).toString('base64');
}

/** At the threshold that at most one in twenty normal test images reaches: a row for each classifier. */
export function decidedTable({scored}: CloseUp): Markup {
  const {labels} = scored[0]!;
  const anomalous = labels.reduce((sum, label) => sum + label, 0);
  const normal = labels.length - anomalous;
  return tableHtml(
    {
      columns: [
        {name: 'classifier', align: 'left'},
        ...['threshold', 'found', 'missed', 'false alarms', 'rightly passed'].map((name) => ({
          name,
          align: 'right' as const,
        })),
      ],
      rows: scored.map(({classifier, scores, threshold: {score}}) => {
        const {found, missed, alarms, passed} = decide(scores, labels, score);
        return [classifier, scoreText(score), ...[found, missed, alarms, passed].map(String)];
      }),
      lead: 1,
    },
    {
      caption: `${normal} normal and ${anomalous} anomalous test images, at the lowest threshold with at most ${100 * allowed} % false alarms. It is chosen on these images.`,
    },
  );
}

/** AUC of each kind of anomaly against all normal images, and the task's other metrics of it; undefined where there are fewer than two kinds. */
export function kindsTable(closeUp: CloseUp): Markup | undefined {
  const {names, anomalous, kind} = kindsOf(closeUp);
  const kinds = [...names.keys()].filter((at) => anomalous[at]);
  if (kinds.length < 2 || kinds.length === names.length) return undefined;
  const {scored} = closeUp;
  const others = closeUp.ofKinds.filter(({metric}) => metric !== 'auc');
  const otherOf = (at: number, {kinds: own, scale}: MetricValue): string =>
    number(own.find(({kind: name}) => name === names[at])?.value ?? null, null, scale !== 'number');
  const aucOf = (at: number, scores: Float64Array, labels: Uint8Array): string => {
    const own = [...labels.keys()].filter((image) => labels[image] === 0 || kind[image] === at);
    const area = areaUnderRoc(
      rank(
        Float64Array.from(own, (i) => scores[i]!),
        Uint8Array.from(own, (i) => labels[i]!),
      ),
    );
    return number(area, null, true);
  };
  return tableHtml(
    {
      columns: [
        {name: 'kind', align: 'left'},
        {name: 'images', align: 'right'},
        ...scored.map(({classifier}) => ({name: classifier, align: 'right' as const})),
        ...others.map(({classifier, metric}) => ({name: `${classifier} ${metric}`, align: 'right' as const})),
      ],
      rows: kinds.map((at) => [
        names[at]!,
        String(kind.filter((own) => own === at).length),
        ...scored.map(({scores, labels}) => aucOf(at, scores, labels)),
        ...others.map((value) => otherOf(at, value)),
      ]),
      lead: 1,
    },
    {
      caption: `AUC × 100${others.length > 0 ? ', and the other metrics,' : ''} of each kind of anomaly against all normal images`,
      sortable: true,
    },
  );
}

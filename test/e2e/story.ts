import type { EventWatch } from "./event-watch.ts";

/**
 * What was told about a container and its processes so far, such as `exec-started e1` and `exit e1 7`; its first
 * process is `init`.
 */
export function story(events: Pick<EventWatch, "tasks">, id: string): string[] {
  return events.tasks(id).map(({ topic, fields }) => {
    const name = topic.slice("/tasks/".length);
    const process = fields.exec_id ?? fields.id;
    const who = process === undefined || process === id ? "init" : String(process);
    // JSON leaves out what is zero.
    return name === "exit" ? `exit ${who} ${fields.exit_status ?? 0}` : `${name} ${who}`;
  });
}

// Generated from proto/ by scripts/generate-proto.mjs; edit those, not this.
import * as $protobuf from "protobufjs/minimal.js";

/** Namespace ebb. */
export namespace ebb {

    /** Namespace client. */
    namespace client {

        /** Namespace v1. */
        namespace v1 {

            /**
             * Properties of a HelloRequest.
             * @deprecated Use ebb.client.v1.HelloRequest.$Properties instead.
             */
            interface IHelloRequest extends ebb.client.v1.HelloRequest.$Properties {
            }

            /** Represents a HelloRequest. */
            class HelloRequest {

                /**
                 * Constructs a new HelloRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.HelloRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Creates a new HelloRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns HelloRequest instance
                 */
                static create(properties: ebb.client.v1.HelloRequest.$Shape): ebb.client.v1.HelloRequest & ebb.client.v1.HelloRequest.$Shape;
                static create(properties?: ebb.client.v1.HelloRequest.$Properties): ebb.client.v1.HelloRequest;

                /**
                 * Encodes the specified HelloRequest message. Does not implicitly {@link ebb.client.v1.HelloRequest.verify|verify} messages.
                 * @param message HelloRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.HelloRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a HelloRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.HelloRequest & ebb.client.v1.HelloRequest.$Shape} HelloRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.HelloRequest & ebb.client.v1.HelloRequest.$Shape;
            }

            namespace HelloRequest {

                /** Properties of a HelloRequest. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a HelloRequest. */
                type $Shape = ebb.client.v1.HelloRequest.$Properties;
            }

            /**
             * Properties of a HelloResponse.
             * @deprecated Use ebb.client.v1.HelloResponse.$Properties instead.
             */
            interface IHelloResponse extends ebb.client.v1.HelloResponse.$Properties {
            }

            /** Represents a HelloResponse. */
            class HelloResponse {

                /**
                 * Constructs a new HelloResponse.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.HelloResponse.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** The package's. */
                version: string;

                /** HelloResponse pid. */
                pid: number;

                /**
                 * Creates a new HelloResponse instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns HelloResponse instance
                 */
                static create(properties: ebb.client.v1.HelloResponse.$Shape): ebb.client.v1.HelloResponse & ebb.client.v1.HelloResponse.$Shape;
                static create(properties?: ebb.client.v1.HelloResponse.$Properties): ebb.client.v1.HelloResponse;

                /**
                 * Encodes the specified HelloResponse message. Does not implicitly {@link ebb.client.v1.HelloResponse.verify|verify} messages.
                 * @param message HelloResponse message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.HelloResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a HelloResponse message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.HelloResponse & ebb.client.v1.HelloResponse.$Shape} HelloResponse
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.HelloResponse & ebb.client.v1.HelloResponse.$Shape;
            }

            namespace HelloResponse {

                /** Properties of a HelloResponse. */
                interface $Properties {

                    /** The package's. */
                    version?: (string|null);

                    /** HelloResponse pid */
                    pid?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a HelloResponse. */
                type $Shape = ebb.client.v1.HelloResponse.$Properties;
            }

            /**
             * Properties of a Done.
             * @deprecated Use ebb.client.v1.Done.$Properties instead.
             */
            interface IDone extends ebb.client.v1.Done.$Properties {
            }

            /** Represents a Done. */
            class Done {

                /**
                 * Constructs a new Done.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.Done.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Creates a new Done instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Done instance
                 */
                static create(properties: ebb.client.v1.Done.$Shape): ebb.client.v1.Done & ebb.client.v1.Done.$Shape;
                static create(properties?: ebb.client.v1.Done.$Properties): ebb.client.v1.Done;

                /**
                 * Encodes the specified Done message. Does not implicitly {@link ebb.client.v1.Done.verify|verify} messages.
                 * @param message Done message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.Done.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Done message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.Done & ebb.client.v1.Done.$Shape} Done
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.Done & ebb.client.v1.Done.$Shape;
            }

            namespace Done {

                /** Properties of a Done. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Done. */
                type $Shape = ebb.client.v1.Done.$Properties;
            }

            /**
             * Properties of a ContainerRequest.
             * @deprecated Use ebb.client.v1.ContainerRequest.$Properties instead.
             */
            interface IContainerRequest extends ebb.client.v1.ContainerRequest.$Properties {
            }

            /** The id of a container, whole. */
            class ContainerRequest {

                /**
                 * Constructs a new ContainerRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.ContainerRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ContainerRequest id. */
                id: string;

                /**
                 * Creates a new ContainerRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns ContainerRequest instance
                 */
                static create(properties: ebb.client.v1.ContainerRequest.$Shape): ebb.client.v1.ContainerRequest & ebb.client.v1.ContainerRequest.$Shape;
                static create(properties?: ebb.client.v1.ContainerRequest.$Properties): ebb.client.v1.ContainerRequest;

                /**
                 * Encodes the specified ContainerRequest message. Does not implicitly {@link ebb.client.v1.ContainerRequest.verify|verify} messages.
                 * @param message ContainerRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.ContainerRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ContainerRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.ContainerRequest & ebb.client.v1.ContainerRequest.$Shape} ContainerRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.ContainerRequest & ebb.client.v1.ContainerRequest.$Shape;
            }

            namespace ContainerRequest {

                /** Properties of a ContainerRequest. */
                interface $Properties {

                    /** ContainerRequest id */
                    id?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ContainerRequest. */
                type $Shape = ebb.client.v1.ContainerRequest.$Properties;
            }

            /**
             * Properties of a ListRequest.
             * @deprecated Use ebb.client.v1.ListRequest.$Properties instead.
             */
            interface IListRequest extends ebb.client.v1.ListRequest.$Properties {
            }

            /** Represents a ListRequest. */
            class ListRequest {

                /**
                 * Constructs a new ListRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.ListRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Creates a new ListRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns ListRequest instance
                 */
                static create(properties: ebb.client.v1.ListRequest.$Shape): ebb.client.v1.ListRequest & ebb.client.v1.ListRequest.$Shape;
                static create(properties?: ebb.client.v1.ListRequest.$Properties): ebb.client.v1.ListRequest;

                /**
                 * Encodes the specified ListRequest message. Does not implicitly {@link ebb.client.v1.ListRequest.verify|verify} messages.
                 * @param message ListRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.ListRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ListRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.ListRequest & ebb.client.v1.ListRequest.$Shape} ListRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.ListRequest & ebb.client.v1.ListRequest.$Shape;
            }

            namespace ListRequest {

                /** Properties of a ListRequest. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ListRequest. */
                type $Shape = ebb.client.v1.ListRequest.$Properties;
            }

            /**
             * Properties of a FindRequest.
             * @deprecated Use ebb.client.v1.FindRequest.$Properties instead.
             */
            interface IFindRequest extends ebb.client.v1.FindRequest.$Properties {
            }

            /** Represents a FindRequest. */
            class FindRequest {

                /**
                 * Constructs a new FindRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.FindRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** An id, or the beginning of one where no other begins with it. */
                idOrPrefix: string;

                /**
                 * Creates a new FindRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns FindRequest instance
                 */
                static create(properties: ebb.client.v1.FindRequest.$Shape): ebb.client.v1.FindRequest & ebb.client.v1.FindRequest.$Shape;
                static create(properties?: ebb.client.v1.FindRequest.$Properties): ebb.client.v1.FindRequest;

                /**
                 * Encodes the specified FindRequest message. Does not implicitly {@link ebb.client.v1.FindRequest.verify|verify} messages.
                 * @param message FindRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.FindRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a FindRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.FindRequest & ebb.client.v1.FindRequest.$Shape} FindRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.FindRequest & ebb.client.v1.FindRequest.$Shape;
            }

            namespace FindRequest {

                /** Properties of a FindRequest. */
                interface $Properties {

                    /** An id, or the beginning of one where no other begins with it. */
                    idOrPrefix?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a FindRequest. */
                type $Shape = ebb.client.v1.FindRequest.$Properties;
            }

            /**
             * Properties of a Container.
             * @deprecated Use ebb.client.v1.Container.$Properties instead.
             */
            interface IContainer extends ebb.client.v1.Container.$Properties {
            }

            /** Represents a Container. */
            class Container {

                /**
                 * Constructs a new Container.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.Container.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** The configuration as container.json has it. */
                config: Uint8Array;

                /** Container status. */
                status?: (ebb.client.v1.Status.$Properties|null);

                /**
                 * Creates a new Container instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Container instance
                 */
                static create(properties: ebb.client.v1.Container.$Shape): ebb.client.v1.Container & ebb.client.v1.Container.$Shape;
                static create(properties?: ebb.client.v1.Container.$Properties): ebb.client.v1.Container;

                /**
                 * Encodes the specified Container message. Does not implicitly {@link ebb.client.v1.Container.verify|verify} messages.
                 * @param message Container message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.Container.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Container message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.Container & ebb.client.v1.Container.$Shape} Container
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.Container & ebb.client.v1.Container.$Shape;
            }

            namespace Container {

                /** Properties of a Container. */
                interface $Properties {

                    /** The configuration as container.json has it. */
                    config?: (Uint8Array|null);

                    /** Container status */
                    status?: (ebb.client.v1.Status.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Container. */
                type $Shape = ebb.client.v1.Container.$Properties;
            }

            /**
             * Properties of a Status.
             * @deprecated Use ebb.client.v1.Status.$Properties instead.
             */
            interface IStatus extends ebb.client.v1.Status.$Properties {
            }

            /** Represents a Status. */
            class Status {

                /**
                 * Constructs a new Status.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.Status.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** creating, created, running, paused or stopped. */
                phase: string;

                /** Status pid. */
                pid: number;

                /** Status ending. */
                ending?: (ebb.client.v1.Ending.$Properties|null);

                /** Status outOfMemory. */
                outOfMemory: boolean;

                /** Status confirmed. */
                confirmed: boolean;

                /** Status problem. */
                problem: string;

                /**
                 * Creates a new Status instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Status instance
                 */
                static create(properties: ebb.client.v1.Status.$Shape): ebb.client.v1.Status & ebb.client.v1.Status.$Shape;
                static create(properties?: ebb.client.v1.Status.$Properties): ebb.client.v1.Status;

                /**
                 * Encodes the specified Status message. Does not implicitly {@link ebb.client.v1.Status.verify|verify} messages.
                 * @param message Status message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.Status.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Status message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.Status & ebb.client.v1.Status.$Shape} Status
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.Status & ebb.client.v1.Status.$Shape;
            }

            namespace Status {

                /** Properties of a Status. */
                interface $Properties {

                    /** creating, created, running, paused or stopped. */
                    phase?: (string|null);

                    /** Status pid */
                    pid?: (number|null);

                    /** Status ending */
                    ending?: (ebb.client.v1.Ending.$Properties|null);

                    /** Status outOfMemory */
                    outOfMemory?: (boolean|null);

                    /** Status confirmed */
                    confirmed?: (boolean|null);

                    /** Status problem */
                    problem?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Status. */
                type $Shape = ebb.client.v1.Status.$Properties;
            }

            /**
             * Properties of an Ending.
             * @deprecated Use ebb.client.v1.Ending.$Properties instead.
             */
            interface IEnding extends ebb.client.v1.Ending.$Properties {
            }

            /** Represents an Ending. */
            class Ending {

                /**
                 * Constructs a new Ending.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.Ending.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Ending exitStatus. */
                exitStatus: number;

                /** Milliseconds since the epoch; 0 where it is not known. */
                exitedAtMs: number;

                /**
                 * Creates a new Ending instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Ending instance
                 */
                static create(properties: ebb.client.v1.Ending.$Shape): ebb.client.v1.Ending & ebb.client.v1.Ending.$Shape;
                static create(properties?: ebb.client.v1.Ending.$Properties): ebb.client.v1.Ending;

                /**
                 * Encodes the specified Ending message. Does not implicitly {@link ebb.client.v1.Ending.verify|verify} messages.
                 * @param message Ending message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.Ending.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Ending message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.Ending & ebb.client.v1.Ending.$Shape} Ending
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.Ending & ebb.client.v1.Ending.$Shape;
            }

            namespace Ending {

                /** Properties of an Ending. */
                interface $Properties {

                    /** Ending exitStatus */
                    exitStatus?: (number|null);

                    /** Milliseconds since the epoch; 0 where it is not known. */
                    exitedAtMs?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Ending. */
                type $Shape = ebb.client.v1.Ending.$Properties;
            }

            /**
             * Properties of a Stdio.
             * @deprecated Use ebb.client.v1.Stdio.$Properties instead.
             */
            interface IStdio extends ebb.client.v1.Stdio.$Properties {
            }

            /** Paths of fifos, or URIs; an empty one stands for none. */
            class Stdio {

                /**
                 * Constructs a new Stdio.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.Stdio.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Stdio stdin. */
                stdin: string;

                /** Stdio stdout. */
                stdout: string;

                /** Stdio stderr. */
                stderr: string;

                /**
                 * Creates a new Stdio instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Stdio instance
                 */
                static create(properties: ebb.client.v1.Stdio.$Shape): ebb.client.v1.Stdio & ebb.client.v1.Stdio.$Shape;
                static create(properties?: ebb.client.v1.Stdio.$Properties): ebb.client.v1.Stdio;

                /**
                 * Encodes the specified Stdio message. Does not implicitly {@link ebb.client.v1.Stdio.verify|verify} messages.
                 * @param message Stdio message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.Stdio.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a Stdio message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.Stdio & ebb.client.v1.Stdio.$Shape} Stdio
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.Stdio & ebb.client.v1.Stdio.$Shape;
            }

            namespace Stdio {

                /** Properties of a Stdio. */
                interface $Properties {

                    /** Stdio stdin */
                    stdin?: (string|null);

                    /** Stdio stdout */
                    stdout?: (string|null);

                    /** Stdio stderr */
                    stderr?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a Stdio. */
                type $Shape = ebb.client.v1.Stdio.$Properties;
            }

            /**
             * Properties of a CreateRequest.
             * @deprecated Use ebb.client.v1.CreateRequest.$Properties instead.
             */
            interface ICreateRequest extends ebb.client.v1.CreateRequest.$Properties {
            }

            /** Represents a CreateRequest. */
            class CreateRequest {

                /**
                 * Constructs a new CreateRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.CreateRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** CreateRequest config. */
                config: Uint8Array;

                /** CreateRequest stdio. */
                stdio?: (ebb.client.v1.Stdio.$Properties|null);

                /**
                 * Creates a new CreateRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns CreateRequest instance
                 */
                static create(properties: ebb.client.v1.CreateRequest.$Shape): ebb.client.v1.CreateRequest & ebb.client.v1.CreateRequest.$Shape;
                static create(properties?: ebb.client.v1.CreateRequest.$Properties): ebb.client.v1.CreateRequest;

                /**
                 * Encodes the specified CreateRequest message. Does not implicitly {@link ebb.client.v1.CreateRequest.verify|verify} messages.
                 * @param message CreateRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.CreateRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CreateRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.CreateRequest & ebb.client.v1.CreateRequest.$Shape} CreateRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.CreateRequest & ebb.client.v1.CreateRequest.$Shape;
            }

            namespace CreateRequest {

                /** Properties of a CreateRequest. */
                interface $Properties {

                    /** CreateRequest config */
                    config?: (Uint8Array|null);

                    /** CreateRequest stdio */
                    stdio?: (ebb.client.v1.Stdio.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CreateRequest. */
                type $Shape = ebb.client.v1.CreateRequest.$Properties;
            }

            /**
             * Properties of a StartRequest.
             * @deprecated Use ebb.client.v1.StartRequest.$Properties instead.
             */
            interface IStartRequest extends ebb.client.v1.StartRequest.$Properties {
            }

            /** Represents a StartRequest. */
            class StartRequest {

                /**
                 * Constructs a new StartRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.StartRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StartRequest id. */
                id: string;

                /**
                 * Creates a new StartRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns StartRequest instance
                 */
                static create(properties: ebb.client.v1.StartRequest.$Shape): ebb.client.v1.StartRequest & ebb.client.v1.StartRequest.$Shape;
                static create(properties?: ebb.client.v1.StartRequest.$Properties): ebb.client.v1.StartRequest;

                /**
                 * Encodes the specified StartRequest message. Does not implicitly {@link ebb.client.v1.StartRequest.verify|verify} messages.
                 * @param message StartRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.StartRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StartRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.StartRequest & ebb.client.v1.StartRequest.$Shape} StartRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.StartRequest & ebb.client.v1.StartRequest.$Shape;
            }

            namespace StartRequest {

                /** Properties of a StartRequest. */
                interface $Properties {

                    /** StartRequest id */
                    id?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StartRequest. */
                type $Shape = ebb.client.v1.StartRequest.$Properties;
            }

            /**
             * Properties of a StartResponse.
             * @deprecated Use ebb.client.v1.StartResponse.$Properties instead.
             */
            interface IStartResponse extends ebb.client.v1.StartResponse.$Properties {
            }

            /** Represents a StartResponse. */
            class StartResponse {

                /**
                 * Constructs a new StartResponse.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.StartResponse.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StartResponse pid. */
                pid: number;

                /**
                 * Creates a new StartResponse instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns StartResponse instance
                 */
                static create(properties: ebb.client.v1.StartResponse.$Shape): ebb.client.v1.StartResponse & ebb.client.v1.StartResponse.$Shape;
                static create(properties?: ebb.client.v1.StartResponse.$Properties): ebb.client.v1.StartResponse;

                /**
                 * Encodes the specified StartResponse message. Does not implicitly {@link ebb.client.v1.StartResponse.verify|verify} messages.
                 * @param message StartResponse message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.StartResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StartResponse message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.StartResponse & ebb.client.v1.StartResponse.$Shape} StartResponse
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.StartResponse & ebb.client.v1.StartResponse.$Shape;
            }

            namespace StartResponse {

                /** Properties of a StartResponse. */
                interface $Properties {

                    /** StartResponse pid */
                    pid?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StartResponse. */
                type $Shape = ebb.client.v1.StartResponse.$Properties;
            }

            /**
             * Properties of a WaitRequest.
             * @deprecated Use ebb.client.v1.WaitRequest.$Properties instead.
             */
            interface IWaitRequest extends ebb.client.v1.WaitRequest.$Properties {
            }

            /** Represents a WaitRequest. */
            class WaitRequest {

                /**
                 * Constructs a new WaitRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.WaitRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** WaitRequest id. */
                id: string;

                /** Empty for the container's init, here and below. */
                execId: string;

                /**
                 * Creates a new WaitRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns WaitRequest instance
                 */
                static create(properties: ebb.client.v1.WaitRequest.$Shape): ebb.client.v1.WaitRequest & ebb.client.v1.WaitRequest.$Shape;
                static create(properties?: ebb.client.v1.WaitRequest.$Properties): ebb.client.v1.WaitRequest;

                /**
                 * Encodes the specified WaitRequest message. Does not implicitly {@link ebb.client.v1.WaitRequest.verify|verify} messages.
                 * @param message WaitRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.WaitRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a WaitRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.WaitRequest & ebb.client.v1.WaitRequest.$Shape} WaitRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.WaitRequest & ebb.client.v1.WaitRequest.$Shape;
            }

            namespace WaitRequest {

                /** Properties of a WaitRequest. */
                interface $Properties {

                    /** WaitRequest id */
                    id?: (string|null);

                    /** Empty for the container's init, here and below. */
                    execId?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a WaitRequest. */
                type $Shape = ebb.client.v1.WaitRequest.$Properties;
            }

            /**
             * Properties of an ExecRequest.
             * @deprecated Use ebb.client.v1.ExecRequest.$Properties instead.
             */
            interface IExecRequest extends ebb.client.v1.ExecRequest.$Properties {
            }

            /** Represents an ExecRequest. */
            class ExecRequest {

                /**
                 * Constructs a new ExecRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.ExecRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ExecRequest id. */
                id: string;

                /** ExecRequest execId. */
                execId: string;

                /** ExecRequest args. */
                args: string[];

                /** ExecRequest env. */
                env: string[];

                /** ExecRequest cwd. */
                cwd: string;

                /** As it was typed; empty for the container's own. */
                user: string;

                /** ExecRequest terminal. */
                terminal: boolean;

                /** ExecRequest stdio. */
                stdio?: (ebb.client.v1.Stdio.$Properties|null);

                /**
                 * Creates a new ExecRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns ExecRequest instance
                 */
                static create(properties: ebb.client.v1.ExecRequest.$Shape): ebb.client.v1.ExecRequest & ebb.client.v1.ExecRequest.$Shape;
                static create(properties?: ebb.client.v1.ExecRequest.$Properties): ebb.client.v1.ExecRequest;

                /**
                 * Encodes the specified ExecRequest message. Does not implicitly {@link ebb.client.v1.ExecRequest.verify|verify} messages.
                 * @param message ExecRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.ExecRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an ExecRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.ExecRequest & ebb.client.v1.ExecRequest.$Shape} ExecRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.ExecRequest & ebb.client.v1.ExecRequest.$Shape;
            }

            namespace ExecRequest {

                /** Properties of an ExecRequest. */
                interface $Properties {

                    /** ExecRequest id */
                    id?: (string|null);

                    /** ExecRequest execId */
                    execId?: (string|null);

                    /** ExecRequest args */
                    args?: (string[]|null);

                    /** ExecRequest env */
                    env?: (string[]|null);

                    /** ExecRequest cwd */
                    cwd?: (string|null);

                    /** As it was typed; empty for the container's own. */
                    user?: (string|null);

                    /** ExecRequest terminal */
                    terminal?: (boolean|null);

                    /** ExecRequest stdio */
                    stdio?: (ebb.client.v1.Stdio.$Properties|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an ExecRequest. */
                type $Shape = ebb.client.v1.ExecRequest.$Properties;
            }

            /**
             * Properties of a KillRequest.
             * @deprecated Use ebb.client.v1.KillRequest.$Properties instead.
             */
            interface IKillRequest extends ebb.client.v1.KillRequest.$Properties {
            }

            /** Represents a KillRequest. */
            class KillRequest {

                /**
                 * Constructs a new KillRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.KillRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** KillRequest id. */
                id: string;

                /** KillRequest execId. */
                execId: string;

                /** KillRequest signal. */
                signal: number;

                /** KillRequest all. */
                all: boolean;

                /**
                 * Creates a new KillRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns KillRequest instance
                 */
                static create(properties: ebb.client.v1.KillRequest.$Shape): ebb.client.v1.KillRequest & ebb.client.v1.KillRequest.$Shape;
                static create(properties?: ebb.client.v1.KillRequest.$Properties): ebb.client.v1.KillRequest;

                /**
                 * Encodes the specified KillRequest message. Does not implicitly {@link ebb.client.v1.KillRequest.verify|verify} messages.
                 * @param message KillRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.KillRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a KillRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.KillRequest & ebb.client.v1.KillRequest.$Shape} KillRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.KillRequest & ebb.client.v1.KillRequest.$Shape;
            }

            namespace KillRequest {

                /** Properties of a KillRequest. */
                interface $Properties {

                    /** KillRequest id */
                    id?: (string|null);

                    /** KillRequest execId */
                    execId?: (string|null);

                    /** KillRequest signal */
                    signal?: (number|null);

                    /** KillRequest all */
                    all?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a KillRequest. */
                type $Shape = ebb.client.v1.KillRequest.$Properties;
            }

            /**
             * Properties of a StopRequest.
             * @deprecated Use ebb.client.v1.StopRequest.$Properties instead.
             */
            interface IStopRequest extends ebb.client.v1.StopRequest.$Properties {
            }

            /** Represents a StopRequest. */
            class StopRequest {

                /**
                 * Constructs a new StopRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.StopRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StopRequest id. */
                id: string;

                /** How long its init may take before it is killed. */
                graceMs: number;

                /** 0 for the container's own stop signal. */
                signal: number;

                /**
                 * Creates a new StopRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns StopRequest instance
                 */
                static create(properties: ebb.client.v1.StopRequest.$Shape): ebb.client.v1.StopRequest & ebb.client.v1.StopRequest.$Shape;
                static create(properties?: ebb.client.v1.StopRequest.$Properties): ebb.client.v1.StopRequest;

                /**
                 * Encodes the specified StopRequest message. Does not implicitly {@link ebb.client.v1.StopRequest.verify|verify} messages.
                 * @param message StopRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.StopRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StopRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.StopRequest & ebb.client.v1.StopRequest.$Shape} StopRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.StopRequest & ebb.client.v1.StopRequest.$Shape;
            }

            namespace StopRequest {

                /** Properties of a StopRequest. */
                interface $Properties {

                    /** StopRequest id */
                    id?: (string|null);

                    /** How long its init may take before it is killed. */
                    graceMs?: (number|null);

                    /** 0 for the container's own stop signal. */
                    signal?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StopRequest. */
                type $Shape = ebb.client.v1.StopRequest.$Properties;
            }

            /**
             * Properties of a ResizePtyRequest.
             * @deprecated Use ebb.client.v1.ResizePtyRequest.$Properties instead.
             */
            interface IResizePtyRequest extends ebb.client.v1.ResizePtyRequest.$Properties {
            }

            /** Represents a ResizePtyRequest. */
            class ResizePtyRequest {

                /**
                 * Constructs a new ResizePtyRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.ResizePtyRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** ResizePtyRequest id. */
                id: string;

                /** ResizePtyRequest execId. */
                execId: string;

                /** ResizePtyRequest width. */
                width: number;

                /** ResizePtyRequest height. */
                height: number;

                /**
                 * Creates a new ResizePtyRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns ResizePtyRequest instance
                 */
                static create(properties: ebb.client.v1.ResizePtyRequest.$Shape): ebb.client.v1.ResizePtyRequest & ebb.client.v1.ResizePtyRequest.$Shape;
                static create(properties?: ebb.client.v1.ResizePtyRequest.$Properties): ebb.client.v1.ResizePtyRequest;

                /**
                 * Encodes the specified ResizePtyRequest message. Does not implicitly {@link ebb.client.v1.ResizePtyRequest.verify|verify} messages.
                 * @param message ResizePtyRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.ResizePtyRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a ResizePtyRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.ResizePtyRequest & ebb.client.v1.ResizePtyRequest.$Shape} ResizePtyRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.ResizePtyRequest & ebb.client.v1.ResizePtyRequest.$Shape;
            }

            namespace ResizePtyRequest {

                /** Properties of a ResizePtyRequest. */
                interface $Properties {

                    /** ResizePtyRequest id */
                    id?: (string|null);

                    /** ResizePtyRequest execId */
                    execId?: (string|null);

                    /** ResizePtyRequest width */
                    width?: (number|null);

                    /** ResizePtyRequest height */
                    height?: (number|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a ResizePtyRequest. */
                type $Shape = ebb.client.v1.ResizePtyRequest.$Properties;
            }

            /**
             * Properties of a CloseStdinRequest.
             * @deprecated Use ebb.client.v1.CloseStdinRequest.$Properties instead.
             */
            interface ICloseStdinRequest extends ebb.client.v1.CloseStdinRequest.$Properties {
            }

            /** Represents a CloseStdinRequest. */
            class CloseStdinRequest {

                /**
                 * Constructs a new CloseStdinRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.CloseStdinRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** CloseStdinRequest id. */
                id: string;

                /** CloseStdinRequest execId. */
                execId: string;

                /**
                 * Creates a new CloseStdinRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns CloseStdinRequest instance
                 */
                static create(properties: ebb.client.v1.CloseStdinRequest.$Shape): ebb.client.v1.CloseStdinRequest & ebb.client.v1.CloseStdinRequest.$Shape;
                static create(properties?: ebb.client.v1.CloseStdinRequest.$Properties): ebb.client.v1.CloseStdinRequest;

                /**
                 * Encodes the specified CloseStdinRequest message. Does not implicitly {@link ebb.client.v1.CloseStdinRequest.verify|verify} messages.
                 * @param message CloseStdinRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.CloseStdinRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a CloseStdinRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.CloseStdinRequest & ebb.client.v1.CloseStdinRequest.$Shape} CloseStdinRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.CloseStdinRequest & ebb.client.v1.CloseStdinRequest.$Shape;
            }

            namespace CloseStdinRequest {

                /** Properties of a CloseStdinRequest. */
                interface $Properties {

                    /** CloseStdinRequest id */
                    id?: (string|null);

                    /** CloseStdinRequest execId */
                    execId?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a CloseStdinRequest. */
                type $Shape = ebb.client.v1.CloseStdinRequest.$Properties;
            }

            /**
             * Properties of a RemoveRequest.
             * @deprecated Use ebb.client.v1.RemoveRequest.$Properties instead.
             */
            interface IRemoveRequest extends ebb.client.v1.RemoveRequest.$Properties {
            }

            /** Represents a RemoveRequest. */
            class RemoveRequest {

                /**
                 * Constructs a new RemoveRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.RemoveRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** RemoveRequest id. */
                id: string;

                /** Kills what still runs. */
                force: boolean;

                /**
                 * Creates a new RemoveRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns RemoveRequest instance
                 */
                static create(properties: ebb.client.v1.RemoveRequest.$Shape): ebb.client.v1.RemoveRequest & ebb.client.v1.RemoveRequest.$Shape;
                static create(properties?: ebb.client.v1.RemoveRequest.$Properties): ebb.client.v1.RemoveRequest;

                /**
                 * Encodes the specified RemoveRequest message. Does not implicitly {@link ebb.client.v1.RemoveRequest.verify|verify} messages.
                 * @param message RemoveRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.RemoveRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a RemoveRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.RemoveRequest & ebb.client.v1.RemoveRequest.$Shape} RemoveRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.RemoveRequest & ebb.client.v1.RemoveRequest.$Shape;
            }

            namespace RemoveRequest {

                /** Properties of a RemoveRequest. */
                interface $Properties {

                    /** RemoveRequest id */
                    id?: (string|null);

                    /** Kills what still runs. */
                    force?: (boolean|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a RemoveRequest. */
                type $Shape = ebb.client.v1.RemoveRequest.$Properties;
            }

            /**
             * Properties of a StatsResponse.
             * @deprecated Use ebb.client.v1.StatsResponse.$Properties instead.
             */
            interface IStatsResponse extends ebb.client.v1.StatsResponse.$Properties {
            }

            /** What the shim has answered, a containerd message, as an Any has it. */
            class StatsResponse {

                /**
                 * Constructs a new StatsResponse.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.StatsResponse.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** StatsResponse typeUrl. */
                typeUrl: string;

                /** StatsResponse value. */
                value: Uint8Array;

                /**
                 * Creates a new StatsResponse instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns StatsResponse instance
                 */
                static create(properties: ebb.client.v1.StatsResponse.$Shape): ebb.client.v1.StatsResponse & ebb.client.v1.StatsResponse.$Shape;
                static create(properties?: ebb.client.v1.StatsResponse.$Properties): ebb.client.v1.StatsResponse;

                /**
                 * Encodes the specified StatsResponse message. Does not implicitly {@link ebb.client.v1.StatsResponse.verify|verify} messages.
                 * @param message StatsResponse message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.StatsResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a StatsResponse message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.StatsResponse & ebb.client.v1.StatsResponse.$Shape} StatsResponse
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.StatsResponse & ebb.client.v1.StatsResponse.$Shape;
            }

            namespace StatsResponse {

                /** Properties of a StatsResponse. */
                interface $Properties {

                    /** StatsResponse typeUrl */
                    typeUrl?: (string|null);

                    /** StatsResponse value */
                    value?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a StatsResponse. */
                type $Shape = ebb.client.v1.StatsResponse.$Properties;
            }

            /**
             * Properties of an EventsRequest.
             * @deprecated Use ebb.client.v1.EventsRequest.$Properties instead.
             */
            interface IEventsRequest extends ebb.client.v1.EventsRequest.$Properties {
            }

            /** Represents an EventsRequest. */
            class EventsRequest {

                /**
                 * Constructs a new EventsRequest.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.EventsRequest.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /**
                 * Creates a new EventsRequest instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns EventsRequest instance
                 */
                static create(properties: ebb.client.v1.EventsRequest.$Shape): ebb.client.v1.EventsRequest & ebb.client.v1.EventsRequest.$Shape;
                static create(properties?: ebb.client.v1.EventsRequest.$Properties): ebb.client.v1.EventsRequest;

                /**
                 * Encodes the specified EventsRequest message. Does not implicitly {@link ebb.client.v1.EventsRequest.verify|verify} messages.
                 * @param message EventsRequest message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.EventsRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an EventsRequest message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.EventsRequest & ebb.client.v1.EventsRequest.$Shape} EventsRequest
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.EventsRequest & ebb.client.v1.EventsRequest.$Shape;
            }

            namespace EventsRequest {

                /** Properties of an EventsRequest. */
                interface $Properties {

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an EventsRequest. */
                type $Shape = ebb.client.v1.EventsRequest.$Properties;
            }

            /**
             * Properties of an Event.
             * @deprecated Use ebb.client.v1.Event.$Properties instead.
             */
            interface IEvent extends ebb.client.v1.Event.$Properties {
            }

            /** An event as the shim has sent it. */
            class Event {

                /**
                 * Constructs a new Event.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.Event.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** Event topic. */
                topic: string;

                /** Event namespace. */
                namespace: string;

                /** Event timestampMs. */
                timestampMs: number;

                /** Event typeUrl. */
                typeUrl: string;

                /** Event value. */
                value: Uint8Array;

                /**
                 * Creates a new Event instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns Event instance
                 */
                static create(properties: ebb.client.v1.Event.$Shape): ebb.client.v1.Event & ebb.client.v1.Event.$Shape;
                static create(properties?: ebb.client.v1.Event.$Properties): ebb.client.v1.Event;

                /**
                 * Encodes the specified Event message. Does not implicitly {@link ebb.client.v1.Event.verify|verify} messages.
                 * @param message Event message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.Event.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes an Event message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.Event & ebb.client.v1.Event.$Shape} Event
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.Event & ebb.client.v1.Event.$Shape;
            }

            namespace Event {

                /** Properties of an Event. */
                interface $Properties {

                    /** Event topic */
                    topic?: (string|null);

                    /** Event namespace */
                    namespace?: (string|null);

                    /** Event timestampMs */
                    timestampMs?: (number|null);

                    /** Event typeUrl */
                    typeUrl?: (string|null);

                    /** Event value */
                    value?: (Uint8Array|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of an Event. */
                type $Shape = ebb.client.v1.Event.$Properties;
            }

            /**
             * Properties of a LogLine.
             * @deprecated Use ebb.client.v1.LogLine.$Properties instead.
             */
            interface ILogLine extends ebb.client.v1.LogLine.$Properties {
            }

            /** Represents a LogLine. */
            class LogLine {

                /**
                 * Constructs a new LogLine.
                 * @param [properties] Properties to set
                 */
                constructor(properties?: ebb.client.v1.LogLine.$Properties);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];

                /** LogLine text. */
                text: string;

                /**
                 * Creates a new LogLine instance using the specified properties.
                 * @param [properties] Properties to set
                 * @returns LogLine instance
                 */
                static create(properties: ebb.client.v1.LogLine.$Shape): ebb.client.v1.LogLine & ebb.client.v1.LogLine.$Shape;
                static create(properties?: ebb.client.v1.LogLine.$Properties): ebb.client.v1.LogLine;

                /**
                 * Encodes the specified LogLine message. Does not implicitly {@link ebb.client.v1.LogLine.verify|verify} messages.
                 * @param message LogLine message or plain object to encode
                 * @param [writer] Writer to encode to
                 * @returns Writer
                 */
                static encode(message: ebb.client.v1.LogLine.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                /**
                 * Decodes a LogLine message from the specified reader or buffer.
                 * @param reader Reader or buffer to decode from
                 * @param [length] Message length if known beforehand
                 * @returns {ebb.client.v1.LogLine & ebb.client.v1.LogLine.$Shape} LogLine
                 * @throws {Error} If the payload is not a reader or valid buffer
                 * @throws {$protobuf.util.ProtocolError} If required fields are missing
                 */
                static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): ebb.client.v1.LogLine & ebb.client.v1.LogLine.$Shape;
            }

            namespace LogLine {

                /** Properties of a LogLine. */
                interface $Properties {

                    /** LogLine text */
                    text?: (string|null);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];
                }

                /** Shape of a LogLine. */
                type $Shape = ebb.client.v1.LogLine.$Properties;
            }
        }
    }
}

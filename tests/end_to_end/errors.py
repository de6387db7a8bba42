"""What a status says beyond its code: google.rpc.ErrorInfo and BadRequest. The stubs must have been generated."""
import dataclasses


@dataclasses.dataclass
class Refusal:
    code: str
    reason: str
    metadata: dict
    fields: list
    message: str


def details(status):
    """The Refusal in a google.rpc.Status."""
    import grpc
    from google.rpc import error_details_pb2
    from skulink import error_info_pb2
    codes = {code.value[0]: code.name for code in grpc.StatusCode}
    info, bad_request = error_info_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        if detail.type_url == 'type.googleapis.com/google.rpc.ErrorInfo':
            info.ParseFromString(detail.value)
        detail.Unpack(bad_request)
    return Refusal(codes[status.code], info.reason if info.domain == 'skulink.v1' else '', dict(info.metadata),
                   [v.field for v in bad_request.field_violations], status.message)


def refusal(call):
    """The Refusal that a call without a result ends with; fails when it ends well."""
    import grpc
    from google.rpc import status_pb2
    try:
        result = call()
    except grpc.RpcError as error:
        for key, value in error.trailing_metadata() or ():
            if key == 'grpc-status-details-bin':
                return details(status_pb2.Status.FromString(value))
        raise AssertionError(f'{error.code()} without details: {error.details()}') from error
    raise AssertionError(f'not refused; the answer is: {result}')

import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** A program that knows the platform by its real address alone: dingmock run -- java Session.java */
public class Session {
    static final String BASE = "https://oapi.dingtalk.com";
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static String ask(String path, String query, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(BASE + path + "?" + query));
        if (body != null) {
            request.header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
        }
        String answer = CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
        if (!answer.contains("\"errcode\":0")) {
            throw new IllegalStateException(path + ": " + answer);
        }
        return answer;
    }

    /** The same by the older client of the JDK. */
    static String post(String path, String query, String body) throws Exception {
        var connection = (HttpURLConnection) new URL(BASE + path + "?" + query).openConnection();
        connection.setDoOutput(true);
        connection.setRequestProperty("Content-Type", "application/json");
        connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
        return new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    static String find(String pattern, String text) {
        var match = Pattern.compile(pattern).matcher(text);
        if (!match.find()) {
            throw new IllegalStateException(text);
        }
        return match.group(1);
    }

    public static void main(String[] args) throws Exception {
        String token = find("\"access_token\":\"([0-9a-f]{32})\"", ask("/gettoken", "appkey=mock-java&appsecret=any", null));
        String session = "{\"session_id\":\"s-java\",\"app_key\":\"mock-java\",\"user_id\":\"u-java\"}";
        ask("/topapi/v2/im/create_session", "access_token=" + token, session);
        String current = ask("/topapi/v2/user/getsession", "access_token=" + token, "{\"userid\":\"u-java\"}");
        find("\"success\":(true)", post("/topapi/v2/im/close_session", "access_token=" + token, session));
        System.out.println("closed " + find("\"session_id\":\"([^\"]*)\"", current));
    }
}
